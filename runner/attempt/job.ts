// Makes the job that a worker gets: an order with its files opened, and the places for what is written.
import pLimit from 'p-limit';
import type { StageInput } from '../../contract/stage.ts';
import type { Attempt, Store } from '../../store/store.ts';
import { type AttemptOrder, artifactsOf, type OrderInput } from './order.ts';
import type { Job, JobArtifact, JobUnit } from './protocol.ts';

/** Artifacts that are opened side by side: a store that has them elsewhere fetches them. */
const opensAtOnce = 8;

/** The job of an attempt on this machine: every input is fetched where the store has it elsewhere. */
export async function jobOf(order: AttemptOrder, attempt: Attempt, store: Store): Promise<Job> {
  const { use, module, params, seed, numerics } = order;
  const artifacts = await pLimit(opensAtOnce).map(artifactsOf(order), (ref) => opened(ref, store));
  const paths = new Map(artifacts.map(({ digest, path }) => [digest, path]));
  const inputs = Object.entries(order.inputs).map(([name, input]) => [name, stageInput(input, paths)] as const);
  const units = order.units.map(({ unit, key, params }): JobUnit => {
    const outputs = Object.entries(order.outputs).map(([name, { extension }]) => {
      return [name, attempt.output(key, name, extension)] as const;
    });
    return {
      unit,
      params,
      outputs: Object.fromEntries(outputs),
      scratch: attempt.scratch(key),
      trace: attempt.trace(key),
    };
  });
  return {
    type: 'job',
    id: attempt.id,
    use,
    module,
    params,
    seed,
    numerics,
    inputs: Object.fromEntries(inputs),
    artifacts,
    units,
  };
}

async function opened({ digest, size }: Omit<JobArtifact, 'path' | 'known'>, store: Store): Promise<JobArtifact> {
  const { path } = await store.open({ digest, size });
  return { digest, size, path, known: store.known({ digest, size }) ?? null };
}

function stageInput({ artifacts, facts }: OrderInput, paths: ReadonlyMap<string, string>): StageInput {
  const digests = Object.entries(artifacts).map(([unit, { digest }]) => [unit, digest] as const);
  const files = digests.map(([unit, digest]) => [unit, paths.get(digest) as string] as const);
  return { files: Object.fromEntries(files), digests: Object.fromEntries(digests), facts };
}
