// The work of perplexity-eval: score every record once and write the summary.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { Example } from '../../model/forward/batches.ts';
import { evaluatePerplexity } from '../../model/measure/evaluate.ts';
import type { KeptStates } from '../../model/measure/kept-states.ts';
import type { Recovery } from '../../model/sharing/recovery.ts';
import { digestOf, sortedRuns } from '../../model/walk/runs.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';
import { UserError } from '../../util/errors.ts';
import { refuseNoNumber } from '../common/finite-perplexity.ts';
import { openStates } from '../common/kept-states.ts';
import { encodeRecords, onlyDigest, onlyFile, openStoredModel } from '../common/model-input.ts';
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
    const onProgress = (share: number) => {
      context.signal.throwIfAborted();
      context.progress({ done: Math.floor(share * examples.length), total: examples.length, of: 'record' });
    };
    const metrics = await goingOn(context, model, examples, (beginning) =>
      evaluatePerplexity(model, examples, params, { beginning, onProgress }),
    );
    refuseNoNumber(metrics);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    await unit.done({ perplexity: metrics.perplexity, tokens: metrics.tokens });
  } finally {
    await close();
  }
}

/** Gives `evaluate` the states of `examples` that it is to go on from, where the unit has some. */
async function goingOn<R>(
  { inputs, params }: Context,
  { checkpoint: { config }, recovery }: StoredModel,
  examples: readonly Example[],
  evaluate: (beginning: KeptStates | undefined) => Promise<R>,
): Promise<R> {
  const [path] = Object.values(inputs.beginning?.files ?? {});
  if (path === undefined) return evaluate(undefined);
  const texts = digestOf(sortedRuns(config, examples, params));
  const model = onlyDigest(inputs.model);
  const states = await openStates(path, { model, texts, width: config.hidden_size });
  try {
    if (recovery !== undefined) refuseReplaced(recovery, states.layer);
    return await evaluate(states);
  } finally {
    await states.close();
  }
}

/** Kept states are the original model's: whatever is replaced or runs side by side has to come after them. */
function refuseReplaced(
  { replacements, parallel, routing }: Pick<Recovery, 'replacements' | 'parallel' | 'routing'>,
  layer: number,
): void {
  const replaced = Math.min(...replacements.map(({ target }) => target));
  const beside = [parallel?.first, routing?.layers[0]].map((layer) => layer ?? Number.POSITIVE_INFINITY);
  const first = Math.min(replaced, ...beside);
  if (first > layer) return;
  const beneath = first === parallel?.first ? 'runs beside another' : 'has an MLP that is cut into experts';
  const what = `layer ${first} ${first === replaced ? 'is replaced' : beneath}`;
  throw new UserError(
    `the kept states come out of layer ${layer} of the original model, but ${what}, expected states from before it: leave input 'beginning' out`,
  );
}
