// The work of lora: recovery parameters at their start beside those that came in.
import type { ContextOf } from '../../contract/define.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { createRecovery, disposeRecovery, joinRecoveries } from '../../model/sharing/recovery.ts';
import { ownReplacements, rolesOf } from '../../model/sharing/replacement.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { rankAt } from '../common/rank.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { type lora, loraLayers, loraMethod, loraRoles } from './declare.ts';

type Context = ContextOf<typeof lora>;

export async function startLora(context: Context): Promise<void> {
  const [unit] = context.units;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const params = context.params;
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const incoming = await incomingRecovery(context.inputs.recovery, config);
  const roles = loraRoles(params);
  const taken = incoming.replacements.filter((each) => rolesOf(each).some((role) => roles.includes(role)));
  const replaced = taken.map(({ target }) => target);
  const chosen = loraLayers(params, config.num_hidden_layers, replaced);
  const own = createRecovery(
    config,
    ownReplacements(chosen, rankAt(params.rank, config.hidden_size), loraMethod(params)),
    {
      init: params.init,
      seed: context.seed,
    },
  );
  const recovery = joinRecoveries(config, [incoming, own], "stage 'lora'");
  try {
    await writeRecovery(unit.outputs.recovery, recovery);
    await unit.done(recoveryFacts(config, recovery.replacements));
  } finally {
    disposeRecovery(recovery);
  }
}
