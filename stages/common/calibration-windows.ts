// Windows of a data set for stages that look at a model's gradients or inputs.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InputFiles, StageContext } from '../../contract/stage.ts';
import { drawWindows } from '../../model/measure/calibration.ts';
import { UserError } from '../../util/errors.ts';
import { encodeOne, type ModelTokenizer, onlyFile } from './model-input.ts';
import { readRecordLines } from './record-lines.ts';

/** Records that the search for long ones encodes between two reports. */
const reportEvery = 500;

/** Longer records are cut before a window is drawn, unless the windows themselves are longer. */
const max_length = 2048;

interface WindowContext extends Pick<StageContext, 'progress' | 'seed' | 'signal'> {
  readonly params: { readonly samples: number; readonly sample_tokens: number };
  readonly inputs: { readonly data?: InputFiles | undefined };
}

/**
 * The windows that parameters `samples` and `sample_tokens` ask for, of input `data`; `need` is the sentence for a user who gave none.
 * `joined` of them are short records end to end.
 */
export async function calibrationWindows(
  context: WindowContext,
  tokenizer: ModelTokenizer,
  vocab_size: number,
  { need }: { readonly need: string },
): Promise<{ windows: Int32Array[]; joined: number }> {
  const { samples, sample_tokens } = context.params;
  if (context.inputs.data === undefined) throw new UserError(need);
  const records = await readRecordLines(onlyFile(context.inputs.data));
  const settings = { max_length: Math.max(max_length, sample_tokens), vocab_size };
  let encoded = 0;
  const encode = async (index: number): Promise<Int32Array | null> => {
    if (++encoded % reportEvery === 0) {
      context.signal.throwIfAborted();
      context.progress({ done: encoded, total: records.length, of: 'record', note: 'encoding' });
      await nextTurn(); // lets a message of the runner in
    }
    const record = records[index];
    return record === undefined ? null : (encodeOne(record, tokenizer, settings)?.ids ?? null);
  };
  const drawn = await drawWindows(records.length, encode, { samples, sample_tokens, seed: context.seed });
  if (drawn.windows.length === samples) return drawn;
  throw new UserError(
    `${records.length} records hold ${drawn.windows.length} windows of ${sample_tokens} tokens, expected ${samples}: lower 'samples' or 'sample_tokens'`,
  );
}
