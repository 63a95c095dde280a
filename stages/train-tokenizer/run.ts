// The work of train-tokenizer: every message's text, through the byte-level BPE trainer.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { renderChat } from '../../model/forward/chat.ts';
import { onlyFile } from '../common/model-input.ts';
import type { InstructionRecord } from '../common/record-forms.ts';
import { readRecordLines } from '../common/record-lines.ts';
import { trainByteLevelBpe } from './bpe-trainer.ts';
import type { trainTokenizer } from './declare.ts';

type Context = ContextOf<typeof trainTokenizer>;

/** Begin, end and padding; their order gives the ids 0, 1, 2. */
const special_tokens = ['<s>', '</s>', '<pad>'];
/** The tags of the chat template, one token each. */
const added_tokens = ['<|user|>', '<|assistant|>', '<|system|>'];

export async function makeTokenizer({ params, inputs, units }: Context): Promise<void> {
  const [unit] = units;
  const records = await readRecordLines(onlyFile(inputs.data));
  const { vocab_size } = params;
  const tokenizer = trainByteLevelBpe(textsOf(records), { vocab_size, special_tokens, added_tokens });
  await writeFile(unit.outputs.tokenizer, `${JSON.stringify(tokenizer, null, 1)}\n`);
  await unit.done({ vocab_size });
}

function* textsOf(records: readonly InstructionRecord[]): Iterable<string> {
  for (const record of records) yield 'text' in record ? record.text : renderChat(record.messages);
}
