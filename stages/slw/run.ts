// The work of slw: one pair's recovery parameters, fitted to the activations of its target layer.
import type { ContextOf, WorkOf } from '../../contract/define.ts';
import { openActivations } from '../../formats/tensors/activations.ts';
import { mlpNames } from '../../model/architecture/tensors.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { warmUp } from '../../model/train/slw.ts';
import { captureUnit } from '../capture-activations/declare.ts';
import { fileOf, loadTensors, onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import type { slw } from './declare.ts';

type Context = ContextOf<typeof slw>;
type Unit = WorkOf<typeof slw>;

export async function warmUpPairs(context: Context): Promise<void> {
  await startBackend(context);
  for (const unit of context.units) await warmUpPair(context, unit);
}

async function warmUpPair(context: Context, unit: Unit): Promise<void> {
  const { reference, target, candidate, rank, ...settings } = unit.params;
  const weights = await loadTensors(onlyFile(context.inputs.model), (config) =>
    [reference, target].flatMap((layer) => mlpNames(config, layer)),
  );
  const activations = await openActivations(fileOf(context.inputs.activations, captureUnit(target)));
  try {
    const rows = {
      rows: activations.rows,
      read: (start: number, count: number) => activations.readRows(start, count, 'input'),
    };
    const { recovery, losses } = await warmUp(
      weights,
      { target, reference, candidate, rank },
      rows,
      { ...settings, seed: context.seed },
      {
        save: { folder: unit.scratch, every_steps: 1000 },
        onProgress: reporter(context, unit, settings, activations.rows),
      },
    );
    warnOfSteps(context, losses.length, activations.rows, settings);
    await writeRecovery(unit.outputs.recovery, recovery);
    disposeRecovery(recovery);
    const facts = recoveryFacts(weights.config, recovery.replacements);
    await unit.done({ ...facts, tokens: activations.rows, steps: losses.length, ...ends(losses) });
  } finally {
    await activations.close();
    weights.dispose();
  }
}

/** Fewer steps of Adam at a rate of 1e-3 leave the parameters about where they started. */
const fewestSteps = 10;

function warnOfSteps(
  context: Context,
  steps: number,
  tokens: number,
  { epochs, batch_tokens }: Pick<Unit['params'], 'epochs' | 'batch_tokens'>,
): void {
  if (steps >= fewestSteps) return;
  context.warn(
    `the warm-up has ${steps} ${steps === 1 ? 'step' : 'steps'} (${tokens} tokens in batches of ${batch_tokens}, ${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}), fewer than ${fewestSteps}: capture more records, or lower 'batch_tokens'`,
  );
}

function reporter(
  context: Context,
  unit: Unit,
  { epochs, batch_tokens }: Pick<Unit['params'], 'epochs' | 'batch_tokens'>,
  rows: number,
) {
  return (step: number, total: number, loss: number) => {
    context.signal.throwIfAborted();
    const epoch = Math.min(epochs, 1 + Math.floor((step * epochs) / total));
    context.progress({
      done: step,
      total,
      of: 'step',
      unit: unit.name,
      note: `epoch ${epoch}/${epochs}  loss ${loss.toPrecision(3)}`,
      measured: { loss, tokens: step * Math.min(batch_tokens, rows) },
    });
  };
}

/** The loss before and after, as far as single steps tell. */
function ends(losses: readonly number[]): { first_loss: number; last_loss: number } {
  return { first_loss: losses[0] ?? 0, last_loss: losses.at(-1) ?? 0 };
}
