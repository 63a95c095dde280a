// The work of train-exit-classifier: what the frozen model says after each exit, and a linear function fitted to whether it is what it says in the end.
import type { ContextOf } from '../../contract/define.ts';
import { writeExit } from '../../model/checkpoint/exit-file.ts';
import { classifierOf, classifierVariables, trainExitClassifier } from '../../model/train/exit-classifier.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { tf } from '../../tensor/tf.ts';
import { exitOf } from '../common/exit-input.ts';
import { encodeRecords, onlyFile, openFrozenModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import { reportSteps, writeCurve } from '../common/training-report.ts';
import { checkClassified, type trainExitClassifierStage } from './declare.ts';

type Context = ContextOf<typeof trainExitClassifierStage>;

export async function fitClassifier(context: Context): Promise<void> {
  const [unit] = context.units;
  const { params, inputs, seed } = context;
  const { model, recovery, tokenizer, close } = await openFrozenModel(context);
  try {
    const { rule } = await exitOf(inputs.exit, model);
    const { exits } = rule;
    checkClassified(exits, model.config.num_hidden_layers, recovery?.parallel);
    const records = sampleRecords(await readRecordLines(onlyFile(inputs.data)), params.fraction, seed);
    const { vocab_size, max_position_embeddings } = model.config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const settings = { ...adamDefaults, ...params, micro_batch_size: params.micro_batch, seed };
    const variables = classifierVariables({ weight: new Float32Array(model.config.hidden_size), bias: 0 });
    const { losses } = await trainExitClassifier(model, exits, variables, examples, settings, {
      save: { folder: unit.scratch, every_steps: params.save_every },
      onProgress: reportSteps(context),
    });
    const classifier = await classifierOf(variables);
    tf.dispose([...variables.values()]);
    const classifiers = new Map(exits.map((layer) => [layer, classifier]));
    await writeExit(unit.outputs.exit, { rule: { ...rule, confidence: 'classifier' }, classifiers });
    await writeCurve(unit.outputs.curve, losses, settings);
    await unit.done({ exits, confidence: 'classifier', records: records.length, steps: losses.length });
  } finally {
    close();
  }
}
