// The work of train-routers: the routers' loss over records, with everything else frozen.
import type { ContextOf } from '../../contract/define.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { routerParameters } from '../../model/sharing/routing.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { trainRouters } from '../../model/train/routers.ts';
import { UserError } from '../../util/errors.ts';
import { encodeRecords, onlyFile, openFrozenModel } from '../common/model-input.ts';
import { readRecordLines, sampleRecords } from '../common/record-lines.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { reportSteps, writeCurve } from '../common/training-report.ts';
import { termsOf, type trainRoutersStage } from './declare.ts';

type Context = ContextOf<typeof trainRoutersStage>;

/** The release's second beta; its first is Adam's own. */
const beta2 = 0.95;

export async function fitRouters(context: Context): Promise<void> {
  const [unit] = context.units;
  const { params, seed } = context;
  const { model, recovery, tokenizer, close } = await openFrozenModel(context);
  try {
    if (recovery?.routing === undefined) {
      throw new UserError("input 'recovery' has no routers to train: expected the recovery of stage 'split-experts'");
    }
    const records = sampleRecords(await readRecordLines(onlyFile(context.inputs.data)), params.fraction, seed);
    const { vocab_size, max_position_embeddings } = model.config;
    const encoded = await encodeRecords(context, records, tokenizer, {
      ...params,
      vocab_size,
      max_position_embeddings,
    });
    const examples = encoded.map(({ ids }) => ({ ids, labels: ids }));
    const adam = { ...adamDefaults, beta2 };
    const settings = { ...adam, ...params, ...termsOf(params), micro_batch_size: params.micro_batch, seed };
    const { losses } = await trainRouters(model, examples, settings, {
      save: { folder: unit.scratch, every_steps: params.save_every },
      onProgress: reportSteps(context),
    });
    await writeRecovery(unit.outputs.recovery, recovery);
    await writeCurve(unit.outputs.curve, losses, settings);
    const router_parameters = routerParameters(model.config, recovery.routing);
    const facts = { ...recoveryFacts(model.config, recovery.replacements), router_parameters };
    await unit.done({ ...facts, records: records.length, steps: losses.length });
  } finally {
    close();
  }
}
