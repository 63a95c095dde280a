// Whether what a module exports is a stage: every part of it, with a sentence for the first that is not as it should be.
import { artifactKinds, type InputPort, type OutputPort } from '../../contract/ports.ts';
import { compileSchema } from '../../located/json-schema.ts';
import { orList } from '../../located/nearest.ts';
import { isObject } from '../../util/json.ts';
import { fields, flag, index, list, mapOf, misshape, optional, type Shape, text } from '../../util/shape.ts';
import { shown } from '../../util/shown.ts';

/** What a module has to say of its stage. */
interface Told {
  readonly name: string;
  readonly version: number | undefined;
  readonly summary: string;
  readonly reference: string | undefined;
  readonly inputs: Readonly<Record<string, InputPort>>;
  readonly outputs: Readonly<Record<string, OutputPort>>;
  readonly numeric: boolean | undefined;
  readonly seeded: boolean | undefined;
}

const kind: Shape<InputPort['kind']> = (value, at) =>
  artifactKinds.some((each) => each === value)
    ? undefined
    : `'${at}': expected ${orList([...artifactKinds], artifactKinds.length)}, got ${shown(value)}`;

const name: Shape<string> = (value, at) =>
  typeof value === 'string' && /^[a-z][a-z0-9-]*$/.test(value)
    ? undefined
    : `'${at}': expected a name of small letters, digits and '-', got ${shown(value)}`;

/** It becomes the ending of a file in the store. */
const extension: Shape<string> = (value, at) =>
  typeof value === 'string' && /^[a-z0-9]{1,16}$/.test(value)
    ? undefined
    : `'${at}': expected the ending of a file such as 'json', got ${shown(value)}`;

const toldShape: Shape<Told> = fields<Told>({
  name,
  version: optional(index),
  summary: text,
  reference: optional(text),
  inputs: mapOf(fields<Required<InputPort>>({ kind, summary: text, optional: optional(flag) as Shape<boolean> })),
  outputs: mapOf(
    fields<Required<OutputPort>>({
      kind,
      summary: text,
      extension,
      optional: optional(flag) as Shape<boolean>,
      file_name: optional(text) as Shape<string>,
      fields: optional(list(text)) as Shape<readonly string[]>,
    }),
  ),
  numeric: optional(flag),
  seeded: optional(flag),
});

/** Functions that a stage may have; `run` is the one that it must have. */
export const stageFunctions = ['check', 'preflight', 'warn', 'expect', 'units', 'cost'] as const;

/** Functions of lamina's own stages alone: what they answer is not looked over. */
const ours = ['ports', 'settle'] as const;

/** What is wrong with a module's default export, as a sentence that goes on after 'its default export'; undefined when it is a stage. */
export function stageComplaint(value: unknown): string | undefined {
  if (!isObject(value)) return `is ${shown(value)}, expected a stage`;
  const wrong = misshape(toldShape, value) ?? functionComplaint(value) ?? schemaComplaint(value.params);
  if (wrong !== undefined) return `is no stage: ${wrong}`;
  return Object.keys(value.outputs as object).length > 0 ? undefined : 'is no stage: it has no output';
}

function functionComplaint(value: Record<string, unknown>): string | undefined {
  if (typeof value.run !== 'function')
    return `'run': expected the function that does its work, got ${shown(value.run)}`;
  const foreign = ours.find((each) => value[each] !== undefined);
  if (foreign !== undefined) return `'${foreign}' is of lamina's own stages, expected a stage without it`;
  const odd = stageFunctions.find((each) => value[each] !== undefined && typeof value[each] !== 'function');
  return odd === undefined ? undefined : `'${odd}': expected a function, got ${shown(value[odd])}`;
}

function schemaComplaint(params: unknown): string | undefined {
  if (!isObject(params) || params.type !== 'object') {
    return `'params': expected a JSON Schema of an object, such as Type.Object({}), got ${shown(params)}`;
  }
  if (isObject(params.properties) && Object.hasOwn(params.properties, 'use')) {
    return "'params.use': expected another name, since 'use' names the stage";
  }
  try {
    compileSchema(params);
    return undefined;
  } catch (error) {
    return `'params': not a usable JSON Schema: ${(error as Error).message}`;
  }
}
