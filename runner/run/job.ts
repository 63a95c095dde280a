// Makes the job that a worker gets: paths, parameters, facts.
import type { StageInput } from '../../contract/stage.ts';
import type { OutputRef } from '../../store/record.ts';
import type { Attempt, Store } from '../../store/store.ts';
import { type NodeInput, type UnitState, unitsRead } from '../survey/graph.ts';
import { withPins } from '../survey/pin.ts';
import type { Job, JobArtifact } from '../worker/protocol.ts';

/** The job of one attempt at `units`, which belong to one node and whose inputs have records. */
export async function jobOf(units: readonly UnitState[], attempt: Attempt, store: Store): Promise<Job> {
  const { owner } = units[0] as UnitState;
  const { node, definition } = owner;
  const tasks = units.map((unit) => {
    const key = unit.key as string;
    const outputs = Object.entries(definition.outputs).map(([name, port]) => {
      return [name, attempt.output(key, name, port.extension)] as const;
    });
    const scratch = attempt.scratch(key);
    const params = withPins(unit.unit.params, unit.preimage?.sources ?? {});
    return { unit: unit.unit.name, params, outputs: Object.fromEntries(outputs), scratch };
  });
  const filled = owner.inputs.filter(({ name }) => units[0]?.preimage?.inputs[name] !== undefined); // the others are optional
  const artifacts = await artifactsOf(units, filled, store);
  const paths = new Map(artifacts.map(({ digest, path }) => [digest, path]));
  const inputs = filled.map((input) => [input.name, stageInput(units, input, paths)] as const);
  const { seed, numerics } = node;
  const params = withPins(node.params, units[0]?.preimage?.sources ?? {});
  return {
    type: 'job',
    id: attempt.id,
    use: node.use,
    params,
    seed,
    numerics,
    inputs: Object.fromEntries(inputs),
    artifacts,
    tasks,
  };
}

/** The files of all inputs that any of the units reads. */
async function artifactsOf(
  units: readonly UnitState[],
  inputs: readonly NodeInput[],
  store: Store,
): Promise<JobArtifact[]> {
  const refs = new Map(artifactsRead(units, inputs).map(({ ref }) => [ref.digest, ref]));
  const artifacts = [...refs.values()].map(async ({ digest, size }): Promise<JobArtifact> => {
    const { path } = await store.open({ digest, size });
    return { digest, size, path, known: store.known({ digest, size }) ?? null };
  });
  return Promise.all(artifacts);
}

/** An artifact that a unit reads, and whose it is. */
export interface ReadArtifact {
  ref: OutputRef;
  from: UnitState;
  output: string;
}

/** What any of the units reads of these inputs, as far as there are records of it. */
export function artifactsRead(units: readonly UnitState[], inputs: readonly NodeInput[]): ReadArtifact[] {
  const pairs = inputs.flatMap((input) => {
    const read = new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []));
    return [...read].map((from) => ({ from, output: input.output }));
  });
  return pairs.flatMap(({ from, output }) => {
    const ref = from.record?.outputs[output];
    return ref === undefined ? [] : [{ ref, from, output }];
  });
}

/** The files of an input that any of the units reads, with the facts of all of them. */
function stageInput(units: readonly UnitState[], input: NodeInput, paths: ReadonlyMap<string, string>): StageInput {
  const read = new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []));
  const files: Record<string, string> = {};
  let facts = { ...input.from.facts };
  for (const each of read) {
    const artifact = each.record?.outputs[input.output];
    if (artifact === undefined) throw new Error(`'${input.from.node.id}' has no output '${input.output}'`);
    files[each.unit.name] = paths.get(artifact.digest) as string;
    facts = { ...facts, ...each.record?.facts };
  }
  return { files, facts };
}
