// Makes the job that a worker gets: paths, parameters, facts.
import type { StageInput } from '../spec/stage.ts';
import type { Attempt, Store } from '../store/store.ts';
import { type NodeInput, type UnitState, unitsRead } from './graph.ts';
import { withPins } from './pin.ts';
import type { Job } from './protocol.ts';

/** The job of one attempt at `units`, which belong to one node and whose inputs have records. */
export function jobOf(units: readonly UnitState[], attempt: Attempt, store: Store): Job {
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
  const inputs = filled.map((input) => [input.name, stageInput(units, input, store)] as const);
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
    tasks,
  };
}

/** The files of an input that any of the units reads, with the facts of all of them. */
function stageInput(units: readonly UnitState[], input: NodeInput, store: Store): StageInput {
  const read = new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []));
  const files: Record<string, string> = {};
  let facts = { ...input.from.facts };
  for (const each of read) {
    const artifact = each.record?.outputs[input.output];
    if (artifact === undefined) throw new Error(`'${input.from.node.id}' has no output '${input.output}'`);
    files[each.unit.name] = store.pathOf(artifact);
    facts = { ...facts, ...each.record?.facts };
  }
  return { files, facts };
}
