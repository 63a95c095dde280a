// The work of sft: the language-model loss on the recovery parameters of all target layers.

import { trainLanguageModel } from '../model/language-model-training.ts';
import { adamDefaults } from '../model/optimizer.ts';
import { writeRecovery } from '../model/recovery-file.ts';
import type { StageContext } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import { encodeRecords, onlyFile, openModel } from './model-input.ts';
import { readRecordLines, sampleRecords } from './record-lines.ts';
import { recoveryFacts } from './recovery-facts.ts';
import type { SftParams } from './sft.ts';
import { reportSteps, writeCurve } from './training-report.ts';

export async function run(context: StageContext): Promise<void> {
  const [task] = context.tasks;
  if (task === undefined) return;
  const { fraction, micro_batch, save_every, ...params } = context.params as SftParams;
  const { model, recovery, tokenizer, close } = await openModel(context);
  try {
    if (recovery === undefined || recovery.parameters.size === 0) {
      throw new UserError(
        "stage 'sft' has nothing to train: expected a recovery with parameters of rank 1 or more, got none",
      );
    }
    const records = sampleRecords(await readRecordLines(onlyFile(context.inputs.data)), fraction, context.seed);
    const { vocab_size, max_position_embeddings } = model.config;
    const examples = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const settings = {
      ...adamDefaults,
      ...params,
      micro_batch_size: micro_batch,
      reduce_loss: 'mean',
      seed: context.seed,
    } as const;
    const { losses } = await trainLanguageModel(model, recovery.parameters, examples, settings, {
      save: { folder: task.scratch, every_steps: save_every },
      onProgress: reportSteps(context),
    });
    await writeRecovery(task.outputs.recovery as string, recovery);
    await writeCurve(task.outputs.curve as string, losses, settings);
    const facts = recoveryFacts(model.config, recovery.replacements);
    await task.done({ ...facts, records: records.length, steps: losses.length });
  } finally {
    close();
  }
}
