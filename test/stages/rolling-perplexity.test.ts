// The stage rolling-perplexity on the small Llama of the task fixtures: the harness's numbers, its texts, its messages.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import type { RollingPerplexity, TextSize } from '../../model/measure/rolling.ts';
import { rollingPerplexityStage } from '../../stages/rolling-perplexity/declare.ts';
import { UserError } from '../../util/errors.ts';
import { runStage } from './harness.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures/tasks');
const folder = mkdtempSync(join(tmpdir(), 'lamina-rolling-'));
const model = join(folder, 'model.arrow');
const pages = readFileSync(join(fixtures, 'data/extra_rolling/test.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).page as string);
const data = join(folder, 'pages.jsonl');

beforeAll(async () => {
  await importHuggingFace(join(fixtures, 'model'), model);
  writeFileSync(data, pages.map((text, i) => `${JSON.stringify({ id: `${i}`, text })}\n`).join(''));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Metrics = RollingPerplexity & TextSize & { text_tokens: number; texts: number };

/** What the stage has written and warned of; `data` is joined unless `params` has a path. */
async function measure(params: { path?: string; [name: string]: unknown }) {
  const inputs = params.path === undefined ? { model, data } : { model };
  const { files, warnings } = await runStage(rollingPerplexityStage, { params, inputs });
  const text = readFileSync((files[''] as { metrics: string }).metrics, 'utf8');
  return { text, warnings, ...(JSON.parse(text) as Metrics) };
}

/** The file of `text`, as parameters. */
function file(name: string, text: string) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return { path };
}

describe('rolling-perplexity', () => {
  it('has the word and byte perplexity of lm-evaluation-harness 0.4.5 with its windows', async () => {
    const harness = JSON.parse(readFileSync(join(fixtures, 'harness.json'), 'utf8'));
    const expected = harness.runs.extra.results.extra_rolling;
    // the harness's model is given max_length tokens and predicts one more
    const windows = { context: harness.max_length + 1, stride: harness.max_length, last_window: 'full' };
    const found = await measure({ join: false, bos: 'always', ...windows });
    const loss = (value: number) => Math.log(value);
    const close = (value: number, other: number) => expect(value).toBeCloseTo(other, 5);
    close(loss(found.word_perplexity), loss(expected['word_perplexity,none']));
    close(loss(found.byte_perplexity), loss(expected['byte_perplexity,none']));
    close(found.bits_per_byte, expected['bits_per_byte,none']);
    expect(found.tokens).toBe(found.text_tokens);
    expect(found.texts).toBe(pages.length);
    expect(found.windows).toBeGreaterThan(pages.length);
  });

  it('joins records by a blank line, as if a file held them so', async () => {
    const params = { context: 128, stride: 64, bos: 'never' };
    const joined = await measure(params);
    const whole = await measure({ ...params, ...file('joined.txt', pages.join('\n\n')) });
    expect(joined.text).toBe(whole.text);
    expect(joined.texts).toBe(1);
    expect(joined.tokens).toBe(joined.text_tokens - 1);
    expect(joined.bytes).toBe(Buffer.byteLength(pages.join('\n\n')));
    const spaced = await measure({ ...params, separator: ' ' });
    expect(spaced.bytes).toBe(joined.bytes - (pages.length - 1));
  });

  it('counts what the tokenizer adds as no token of the text, and leaves the rest of a window out where asked', async () => {
    const path = file('page.txt', pages[1] as string);
    const bare = await measure({ ...path, bos: 'never', context: 32 });
    const begun = await measure({ ...path, context: 32 });
    expect(begun.text_tokens).toBe(bare.text_tokens);
    const full = Math.floor(bare.text_tokens / 32);
    const dropped = await measure({ ...path, bos: 'never', context: 32, last_window: 'dropped' });
    expect([dropped.windows, dropped.tokens]).toEqual([full, full * 31]);
  });

  it('warns of windows beyond the context of the model', async () => {
    const long = file('long.txt', pages.join(' ').repeat(3));
    expect((await measure({ ...long, context: 512 })).warnings).toEqual([]);
    expect((await measure({ ...long, context: 600 })).warnings).toEqual([
      "windows of 600 tokens are longer than the model's context of 512: lower 'context' to it",
    ]);
  });

  it.each([
    [
      { path: 'x.txt', data: true },
      "expected parameter 'path' (a file of text) or input 'data' (of stage 'dataset'), got both",
    ],
    [{}, "expected parameter 'path' (a file of text) or input 'data' (of stage 'dataset'), got neither"],
    [
      { path: 'x.txt', context: 64, stride: 65 },
      "'stride' is 65, but a window has 64 tokens ('context'): those between would never be read",
    ],
    [
      { path: 'hf://datasets/a/b' },
      "'path': expected a file of text, got 'hf://datasets/a/b': stage 'dataset' downloads, join its output as 'data'",
    ],
  ])(
    'refuses %j',
    async ({ data: joined, ...params }: { data?: boolean; path?: string; context?: number }, message) => {
      const inputs = { model, ...(joined === true ? { data } : {}) };
      await expect(runStage(rollingPerplexityStage, { params, inputs })).rejects.toThrow(new UserError(message));
    },
  );

  it('says of a text that is too short, of a conversation and of no text in UTF-8 what they are', async () => {
    const fault = (params: Parameters<typeof measure>[0]) => measure(params).catch((error) => error.message as string);
    expect(await fault(file('empty.txt', ''))).toBe('the longest text has 0 tokens, expected at least 2 to score one');
    expect(await fault({ ...file('short.txt', 'lamp'), context: 64, last_window: 'dropped' })).toMatch(
      /^the longest text has \d+ tokens, expected at least 64 to score one$/,
    );
    writeFileSync(data, `${JSON.stringify({ id: 'talk', messages: [{ role: 'user', content: 'a' }] })}\n`);
    expect(await fault({})).toBe(
      "record 'talk' is a conversation, expected records with 'text': stage 'perplexity-eval' measures answers",
    );
    const path = join(folder, 'bytes.txt');
    writeFileSync(path, Uint8Array.of(0xff, 0xfe, 0x41));
    expect(await fault({ path })).toBe(`text '${path}': expected text in UTF-8`);
  });
});
