// The work of capture-activations: the original model, read out after every layer, so that a layer's bytes do not depend
// on which other layers are captured with it.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { type ActivationsWriter, createActivations } from '../../formats/tensors/activations.ts';
import { type Batch, type Example, makeBatch } from '../../model/forward/batches.ts';
import { embed, runBlock } from '../../model/forward/forward.ts';
import type { Model } from '../../model/forward/model.ts';
import { tf } from '../../tensor/tf.ts';
import { encodeRecords, onlyFile, openModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import type { CaptureParams, captureActivations } from './declare.ts';

type Context = ContextOf<typeof captureActivations>;

export async function captureInputs(context: Context): Promise<void> {
  const params = context.params;
  const { model, tokenizer, close } = await openModel(context);
  const writers = await openWriters(context, model.config.hidden_size, params);
  try {
    const records = sampleRecords(await readRecordLines(onlyFile(context.inputs.data)), params.fraction, context.seed);
    const { vocab_size, max_position_embeddings } = model.config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    for (let start = 0; start < examples.length; start += params.batch_size) {
      context.signal.throwIfAborted();
      await captureBatch(model, examples.slice(start, start + params.batch_size), params, writers);
      await nextTurn(); // the backend blocks: lets a message of the runner in
      context.progress({
        done: Math.min(start + params.batch_size, examples.length),
        total: examples.length,
        of: 'record',
      });
    }
    const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
    for (const unit of context.units) {
      await writers.get(unit.params.layer)?.close();
      await unit.done({ tokens, records: examples.length });
    }
  } catch (error) {
    for (const writer of writers.values()) await writer.abort();
    throw error;
  } finally {
    close();
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

/** Runs the layers up to the last that is wanted and appends the rows of real tokens, record by record. */
async function captureBatch(
  model: Model,
  examples: readonly Example[],
  { batch_size, max_length }: CaptureParams,
  writers: ReadonlyMap<number, ActivationsWriter>,
): Promise<void> {
  const batch = makeBatch(examples, batch_size, max_length);
  const { batch: sequences, tokens } = batch.extent;
  let h = tf.tidy(() => embed(model, tf.tensor2d(batch.ids, [sequences, tokens], 'int32')));
  for (let layer = 1; layer <= Math.max(...writers.keys()); layer++) {
    const before = h;
    const after = tf.tidy(() => {
      const { h, mlpInput } = runBlock(model, layer, before, batch.extent);
      return { h, mlpInput };
    });
    before.dispose();
    h = after.h;
    const rows = realRows((await after.mlpInput.data()) as Float32Array, batch, examples);
    after.mlpInput.dispose();
    await writers.get(layer)?.append({ input: rows }, rows.length / model.config.hidden_size);
  }
  h.dispose();
}

/** The rows of `values` [N, D] that belong to tokens, not to padding. */
function realRows(values: Float32Array, { extent }: Batch, examples: readonly Example[]): Float32Array {
  const width = values.length / (extent.batch * extent.tokens);
  const rows = new Float32Array(width * examples.reduce((sum, { ids }) => sum + ids.length, 0));
  let at = 0;
  examples.forEach(({ ids }, i) => {
    const start = i * extent.tokens * width;
    rows.set(values.subarray(start, start + ids.length * width), at);
    at += ids.length * width;
  });
  return rows;
}
