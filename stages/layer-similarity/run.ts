// The work of layer-similarity: one pass over the records, and the scores by layer.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { layerSimilarity } from '../../model/measure/layer-similarity.ts';
import { UserError } from '../../util/errors.ts';
import { encodeRecords, onlyFile, openStoredModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import type { layerSimilarity as declaration } from './declare.ts';

type Context = ContextOf<typeof declaration>;

export async function measureSimilarity(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  const { model, config, tokenizer, close } = await openStoredModel(context);
  try {
    const all = await readRecordLines(onlyFile(context.inputs.data));
    const share = Math.min(params.fraction, (params.max_records ?? all.length) / Math.max(1, all.length));
    const records = sampleRecords(all, share, context.seed);
    const { vocab_size, max_position_embeddings } = config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const scores = await layerSimilarity(model, examples, params, (share) => {
      context.signal.throwIfAborted();
      context.progress({ done: Math.floor(share * examples.length), total: examples.length, of: 'record' });
    });
    refuseNoNumber(scores.block_influence);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(scores, null, 2)}\n`);
    await unit.done({ records: examples.length, tokens: scores.tokens });
  } finally {
    await close();
  }
}

/** JSON has no NaN: the first layer whose output is none is named instead. */
function refuseNoNumber(scores: Readonly<Record<string, number>>): void {
  const found = Object.entries(scores).find(([, value]) => !Number.isFinite(value));
  if (found === undefined) return;
  throw new UserError(
    `the block influence of layer ${found[0]} is ${found[1]}, expected a finite number: look for NaN or very large values in the weights of the model`,
  );
}
