// The training loop: gradients of named variables, Adam, and a saved state from which a killed run goes on exactly.
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { type Adam, type AdamSettings, createAdam } from './optimizer.ts';
import { restoreTraining, saveTraining } from './train-state.ts';

/** A training run over batches of type B. */
export interface TrainTask<B> {
  readonly variables: ReadonlyMap<string, tf.Variable>;
  readonly steps: number;
  readonly adam: AdamSettings;
  /** The learning rate of a step (from 0). */
  learningRate(step: number): number;
  /** The micro batches of a step (from 0), a function of the step alone. */
  batches(step: number): readonly B[] | Promise<readonly B[]>;
  /** The loss of one micro batch, weighted so that the sum over a step's micro batches is the step's loss. */
  loss(batch: B): tf.Scalar;
  /** Where and how often the state is kept; none keeps nothing. */
  readonly save?: { readonly folder: string; readonly every_steps: number } | undefined;
  /** Called after each step, `step` counting from 1; `tokens`: those that the steps so far have scored, where somebody counts them. */
  readonly onProgress?: ((step: number, total: number, loss: number, tokens?: number) => void) | undefined;
}

/** A training whose loss is no number any more. */
export class LossError extends UserError {}

/** Trains in place and returns the loss of every step; goes on from the saved state where there is one. Throws LossError. */
export async function train<B>(task: TrainTask<B>): Promise<{ losses: number[] }> {
  return trainLoop(task, (adam) => (step) => trainStep(task, adam, step));
}

/** The loop around the steps that `stepper` makes of an optimizer; a step changes the variables and gives its loss. */
export async function trainLoop(
  task: Pick<TrainTask<unknown>, 'variables' | 'steps' | 'adam' | 'learningRate' | 'save' | 'onProgress'>,
  stepper: (adam: Adam) => (step: number) => Promise<number>,
): Promise<{ losses: number[] }> {
  const adam = createAdam(task.variables, task.adam);
  const run = stepper(adam);
  try {
    const { save, steps } = task;
    const losses = save ? await restoreTraining(save.folder, task.variables, adam.state) : [];
    for (let step = losses.length; step < steps; step++) {
      losses.push(finite(await run(step), task, step));
      task.onProgress?.(step + 1, steps, losses[step] as number);
      if (save && (step + 1) % save.every_steps === 0)
        await saveTraining(save.folder, task.variables, adam.state, losses);
      // the backend blocks: give the process a moment for its messages
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { losses };
  } finally {
    adam.dispose();
  }
}

async function trainStep<B>(task: TrainTask<B>, adam: Adam, step: number): Promise<number> {
  const batches = await task.batches(step);
  const rate = task.learningRate(step);
  let loss = 0;
  let sums: Map<string, tf.Tensor> | undefined;
  for (const [i, batch] of batches.entries()) {
    const last = i === batches.length - 1;
    const before = sums;
    const value = tf.tidy(() => {
      const { value, gradients } = gradientsOf(task, batch);
      const total = before ? addGradients(before, gradients) : gradients;
      if (last) adam.apply(total, rate, step + 1);
      else sums = keepAll(total);
      return value;
    });
    loss += (await value.data())[0] as number;
    value.dispose();
    if (before) tf.dispose([...before.values()]);
  }
  return loss;
}

function finite(loss: number, task: Pick<TrainTask<unknown>, 'steps' | 'learningRate'>, step: number): number {
  if (Number.isFinite(loss)) return loss;
  throw new LossError(
    `the loss is ${loss} at step ${step + 1} of ${task.steps} with learning rate ${task.learningRate(step)}: lower 'lr', or raise 'warmup_ratio' or set 'clip_norm'`,
  );
}

function gradientsOf<B>(task: TrainTask<B>, batch: B): { value: tf.Scalar; gradients: Map<string, tf.Tensor> } {
  const { value, grads } = tf.variableGrads(() => task.loss(batch), [...task.variables.values()]);
  const named = [...task.variables].map(([name, variable]) => [name, grads[variable.name] as tf.Tensor] as const);
  return { value, gradients: new Map(named) };
}

function addGradients(a: ReadonlyMap<string, tf.Tensor>, b: ReadonlyMap<string, tf.Tensor>): Map<string, tf.Tensor> {
  return new Map([...a].map(([name, gradient]) => [name, tf.add(gradient, b.get(name) as tf.Tensor)]));
}

function keepAll(tensors: Map<string, tf.Tensor>): Map<string, tf.Tensor> {
  for (const tensor of tensors.values()) tf.keep(tensor);
  return tensors;
}
