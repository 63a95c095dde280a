// The work of early-exit: the rule as a file.
import type { ContextOf } from '../../contract/define.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeExit } from '../../model/checkpoint/exit-file.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { type earlyExit, exitRule } from './declare.ts';

type Context = ContextOf<typeof earlyExit>;

export async function describeExits(context: Context): Promise<void> {
  const { params, inputs, units } = context;
  const [unit] = units;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const checkpoint = await openStored(onlyFile(inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const incoming = await incomingRecovery(inputs.recovery, config);
  disposeRecovery(incoming);
  const rule = exitRule(params, config.num_hidden_layers, incoming.parallel);
  await writeExit(unit.outputs.exit, { rule, classifiers: new Map() });
  await unit.done({ exits: rule.exits, confidence: rule.confidence });
}
