// The work of perplexity-eval: score every record once and write the summary.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { evaluatePerplexity } from '../../model/measure/evaluate.ts';
import { refuseNoNumber } from '../common/finite-perplexity.ts';
import { encodeRecords, onlyFile, openStoredModel } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import type { perplexityEval } from './declare.ts';

type Context = ContextOf<typeof perplexityEval>;

export async function measurePerplexity(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  const { model, config, tokenizer, close } = await openStoredModel(context);
  try {
    const records = await readRecordLines(onlyFile(context.inputs.data));
    const { vocab_size, max_position_embeddings } = config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const metrics = await evaluatePerplexity(model, examples, params, (share) => {
      context.signal.throwIfAborted();
      context.progress({ done: Math.floor(share * examples.length), total: examples.length, of: 'record' });
    });
    refuseNoNumber(metrics);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    await unit.done({ perplexity: metrics.perplexity, tokens: metrics.tokens });
  } finally {
    await close();
  }
}
