// The work of fit-layer: find the place, train the layer, write the model without those above it.
import type { ContextOf } from '../../contract/define.ts';
import { writeArranged } from '../../model/checkpoint/blocks.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { blockSimilarities } from '../../model/measure/block-similarity.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { fitLayer, layerVariables } from '../../model/train/fit-layer.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { tf } from '../../tensor/tf.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { modelFacts } from '../common/model-facts.ts';
import { encodeRecords, type OpenModel, onlyFile, openModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import { reportSteps, writeCurve } from '../common/training-report.ts';
import { checkPlace, type fitLayerStage } from './declare.ts';

type Context = ContextOf<typeof fitLayerStage>;

export async function fitOneLayer(context: Context): Promise<void> {
  const [unit] = context.units;
  const { remove } = context.params;
  const open = await openModel(context);
  try {
    checkPlace(context.params, open.model.config.num_hidden_layers);
    const start = context.params.start ?? (await mostAlike(context, open));
    const { trained, losses } = await trainAt(context, open, start);
    const depth = open.model.config.num_hidden_layers;
    const kept = [...consecutive(1, start), ...consecutive(start + remove + 1, depth)];
    const checkpoint = await openStored(onlyFile(context.inputs.model));
    const onProgress = () => context.signal.throwIfAborted();
    const config = await writeArranged(checkpoint, kept, unit.outputs.model, onProgress, trained).finally(() =>
      checkpoint.close(),
    );
    const facts = { ...modelFacts(config), stored_layers: kept.length, origins: kept };
    await unit.done({
      ...facts,
      start,
      steps: losses.length,
      first_loss: losses[0] ?? 0,
      last_loss: losses.at(-1) ?? 0,
    });
  } finally {
    open.close();
  }
}

/** The layer in front of which, and `remove` layers later, the stream is most alike; of equal ones the first. */
async function mostAlike(context: Context, { model, tokenizer }: OpenModel): Promise<number> {
  const { remove, batch_size } = context.params;
  const { windows } = await calibrationWindows(context, tokenizer, model.config.vocab_size, {
    need: "stage 'fit-layer' needs input 'data'",
  });
  const scores = await blockSimilarities(model, windows, { span: remove, batch_size }, (done, total) => {
    context.signal.throwIfAborted();
    context.progress({ done, total, of: 'window', note: 'comparing streams' });
  });
  return scores.indexOf(Math.max(...scores)) + 1;
}

async function trainAt(context: Context, { model, tokenizer }: OpenModel, start: number) {
  const [unit] = context.units;
  const { params, seed } = context;
  const records = sampleRecords(await readRecordLines(onlyFile(context.inputs.data)), params.fraction, seed);
  const { vocab_size, max_position_embeddings } = model.config;
  const encoded = await encodeRecords(context, records, tokenizer, { ...params, vocab_size, max_position_embeddings });
  const examples = encoded.map(({ ids }) => ({ ids, labels: ids }));
  const settings = { ...adamDefaults, ...params, micro_batch_size: params.micro_batch, start, seed };
  const variables = layerVariables(model, start);
  try {
    const { losses } = await fitLayer(model, variables, examples, settings, {
      save: { folder: unit.scratch, every_steps: params.save_every },
      onProgress: reportSteps(context),
    });
    await writeCurve(unit.outputs.curve, losses, settings);
    const trained = new Map<string, Float32Array>();
    for (const [name, variable] of variables) trained.set(name, (await variable.data()) as Float32Array);
    return { trained, losses };
  } finally {
    tf.dispose([...variables.values()]);
  }
}
