// The work of capture-activations: the original model walked through, read out in every layer, so that a layer's bytes do not depend
// on which other layers are captured with it.
import type { ContextOf } from '../../contract/define.ts';
import { type ActivationsWriter, createActivations } from '../../formats/tensors/activations.ts';
import { captureMlpInputs } from '../../model/measure/mlp-inputs.ts';
import { encodeRecords, onlyFile, openStoredModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import type { CaptureParams, captureActivations } from './declare.ts';

type Context = ContextOf<typeof captureActivations>;

export async function captureInputs(context: Context): Promise<void> {
  const params = context.params;
  const { model, config, tokenizer, close } = await openStoredModel(context);
  const writers = await openWriters(context, config.hidden_size, params);
  try {
    const records = sampleRecords(await readRecordLines(onlyFile(context.inputs.data)), params.fraction, context.seed);
    const { vocab_size, max_position_embeddings } = config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    await captureMlpInputs(model, examples, params, {
      layers: new Set(writers.keys()),
      async take(layer, rows) {
        await writers.get(layer)?.append({ input: rows }, rows.length / config.hidden_size);
      },
      onProgress(share) {
        context.signal.throwIfAborted();
        context.progress({ done: Math.floor(share * examples.length), total: examples.length, of: 'record' });
      },
    });
    const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
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

async function openWriters(
  { units }: Context,
  width: number,
  { dtype }: CaptureParams,
): Promise<Map<number, ActivationsWriter>> {
  const writers = new Map<number, ActivationsWriter>();
  for (const { params, outputs } of units) {
    const { layer } = params;
    const metadata = { layer: String(layer), place: 'input of the MLP' };
    writers.set(
      layer,
      await createActivations(outputs.activations, { columns: { input: { width, dtype } }, metadata }),
    );
  }
  return writers;
}
