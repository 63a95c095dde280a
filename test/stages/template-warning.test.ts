// What stages say of a model's chat template when they read records that do not use it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeRecords, tokenizerOf } from '../../stages/common/model-input.ts';

const tokenizer_json = readFileSync(join(import.meta.dirname, '../fixtures/model/tokenizer.json'), 'utf8');
const messages = [
  { role: 'user' as const, content: 'Who?' },
  { role: 'assistant' as const, content: 'Bob.' },
];
const size = { max_length: 60, vocab_size: 1000, max_position_embeddings: 64 };

async function warningsOf(chat_template: string | undefined, template?: 'own' | 'none'): Promise<string[]> {
  const warnings: string[] = [];
  const tokenizer_config_json = JSON.stringify({ bos_token: '<s>', eos_token: '</s>', chat_template });
  const tokenizer = tokenizerOf({ tokenizer_json, tokenizer_config_json });
  const context = {
    warn: (text: string) => warnings.push(text),
    progress: () => {},
    signal: new AbortController().signal,
  };
  const record = { id: 'x:1', messages, ...(template !== undefined && { template }) };
  await encodeRecords(context, [record], tokenizer, size);
  return warnings;
}

const chat =
  "{% for m in messages %}{{ m.role + m.content + eos_token }}{% endfor %}{{ 'assistant' if add_generation_prompt }}";

describe('records of a model with a chat template', () => {
  it("in Tulu's template are warned about, with the parameter that takes the model's", async () => {
    expect(await warningsOf(chat)).toEqual([
      "the model has a chat template, but the records are put into Tulu's: 'template: own' of stage 'dataset' takes the model's",
    ]);
    expect(await warningsOf('{{ broken')).toHaveLength(1);
  });

  it('in the one that they name are not', async () => {
    expect(await warningsOf(chat, 'own')).toEqual([]);
    expect(await warningsOf(chat, 'none')).toEqual([]);
    expect(await warningsOf(undefined)).toEqual([]);
  });

  it('in a template that cannot be parsed are refused', async () => {
    await expect(warningsOf('{{ broken', 'own')).rejects.toThrow("the model's chat template: it cannot be parsed (");
  });
});
