// The ports of a command, from its parameters. They are asked for before the schema has been: what is wrong there is passed over here.
import { type ArtifactKind, artifactKinds, type InputPorts, type OutputPorts } from '../../contract/ports.ts';
import { isObject } from '../../util/json.ts';

/** The endings of files by what they hold. */
const extensions: Readonly<Record<ArtifactKind, string>> = {
  checkpoint: 'arrow',
  recovery: 'arrow',
  exit: 'arrow',
  activations: 'arrow',
  states: 'arrow',
  dataset: 'jsonl',
  tasks: 'jsonl',
  metrics: 'json',
  table: 'arrow',
  file: 'bin',
};

/** The inputs and outputs that the parameters of a command name. */
export function commandPorts(params: { readonly inputs?: unknown; readonly outputs?: unknown }): {
  inputs: InputPorts;
  outputs: OutputPorts;
} {
  const inputs = entriesOf(params.inputs).map(([name, port]) => [name, portOf(port)] as const);
  const outputs = entriesOf(params.outputs).map(([name, port]) => {
    const plain = portOf(port);
    const extension = typeof port.extension === 'string' ? port.extension : extensions[plain.kind];
    const fields = Array.isArray(port.fields) && { fields: port.fields.map(String) };
    return [name, { ...plain, extension, ...fields }] as const;
  });
  return { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs) };
}

function entriesOf(ports: unknown): [string, Record<string, unknown>][] {
  return isObject(ports)
    ? Object.entries(ports).filter((entry): entry is [string, Record<string, unknown>] => isObject(entry[1]))
    : [];
}

function portOf({ kind, summary, optional }: Record<string, unknown>) {
  const known = artifactKinds.find((each) => each === kind) ?? 'file';
  const text = typeof summary === 'string' ? summary : '';
  return { kind: known, summary: text, ...(optional === true && { optional: true }) };
}
