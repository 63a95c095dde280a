// The work of sft: the language-model loss on the recovery parameters of all target layers.
import type { ContextOf } from '../../contract/define.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { exitLosses } from '../../model/exits/exit-losses.ts';
import { trainLanguageModel } from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { UserError } from '../../util/errors.ts';
import { encodeRecords, onlyFile, openFrozenModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { reportSteps, writeCurve } from '../common/training-report.ts';
import { checkTeacher, type sft } from './declare.ts';

type Context = ContextOf<typeof sft>;

export async function fineTune(context: Context): Promise<void> {
  const [unit] = context.units;
  const { fraction, micro_batch, save_every, distill, exits, exit_weights = 'uniform', ...params } = context.params;
  const { model, recovery, tokenizer, close } = await openFrozenModel(context);
  let closeTeacher = () => {};
  try {
    if (recovery === undefined || recovery.parameters.size === 0) {
      throw new UserError(
        "stage 'sft' has nothing to train: expected a recovery with parameters of rank 1 or more, got none",
      );
    }
    const { num_hidden_layers: depth } = model.config;
    const losses_at = exits === undefined ? undefined : exitLosses(exits, exit_weights, depth, recovery.parallel);
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
      ...(losses_at && { exits: losses_at }),
    } as const;
    const teacher = await openTeacher(context, model.config.vocab_size);
    closeTeacher = teacher?.close ?? closeTeacher;
    const { losses } = await trainLanguageModel(model, recovery.parameters, examples, settings, {
      save: { folder: unit.scratch, every_steps: save_every },
      onProgress: reportSteps(context),
      distilled: distill && teacher && { ...distill, teacher: teacher.model },
    });
    await writeRecovery(unit.outputs.recovery, recovery);
    await writeCurve(unit.outputs.curve, losses, settings);
    const facts = recoveryFacts(model.config, recovery.replacements);
    await unit.done({ ...facts, records: records.length, steps: losses.length });
  } finally {
    closeTeacher();
    close();
  }
}

/** Input `teacher`, where there is one. */
async function openTeacher(context: Context, vocab_size: number) {
  const { teacher } = context.inputs;
  if (teacher === undefined) return undefined;
  const open = await openFrozenModel({ ...context, inputs: { model: teacher } });
  try {
    checkTeacher(vocab_size, open.model.config.vocab_size);
    return open;
  } catch (error) {
    open.close();
    throw error;
  }
}
