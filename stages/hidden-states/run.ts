// The work of hidden-states: the original model walked through once, whatever the number of layers whose states are kept.
import type { ContextOf } from '../../contract/define.ts';
import { type ActivationsWriter, createActivations } from '../../formats/tensors/activations.ts';
import { keepStates } from '../../model/measure/kept-states.ts';
import { digestOf, sortedRuns } from '../../model/walk/runs.ts';
import { statesMetadata } from '../common/kept-states.ts';
import { encodeRecords, onlyDigest, onlyFile, openStoredModel } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import type { hiddenStates } from './declare.ts';

type Context = ContextOf<typeof hiddenStates>;

export async function keepHiddenStates(context: Context): Promise<void> {
  const { params } = context;
  const { model, config, tokenizer, close } = await openStoredModel(context);
  const writers = new Map<number, ActivationsWriter>();
  try {
    const records = await readRecordLines(onlyFile(context.inputs.data));
    const { vocab_size, max_position_embeddings, hidden_size } = config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const runs = sortedRuns(config, examples, params);
    const texts = digestOf(runs);
    for (const { params: unit, outputs } of context.units) {
      const columns = { state: { width: hidden_size, dtype: params.dtype } };
      const metadata = statesMetadata({ layer: unit.layer, model: onlyDigest(context.inputs.model), texts });
      writers.set(unit.layer, await createActivations(outputs.states, { columns, metadata }));
    }
    await keepStates(model, runs, {
      layers: new Set(writers.keys()),
      async take(layer, states) {
        await writers.get(layer)?.append({ state: states }, states.length / hidden_size);
      },
      onProgress(share) {
        context.signal.throwIfAborted();
        context.progress({ done: Math.floor(share * examples.length), total: examples.length, of: 'record' });
      },
    });
    const tokens = runs.reduce((sum, { rows }) => sum + rows, 0);
    for (const unit of context.units) {
      await writers.get(unit.params.layer)?.close();
      await unit.done({ tokens, records: examples.length });
    }
  } catch (error) {
    for (const writer of writers.values()) await writer.abort();
    throw error;
  } finally {
    await close();
  }
}
