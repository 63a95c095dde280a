// Makes a unit's key pre-image from its node, its inputs' records and the bytes of its sources.
import type { JsonObject } from '../../contract/stage.ts';
import type { BlobRef } from '../../store/digest.ts';
import type { InputDigest, KeyPreimage } from '../../store/key.ts';
import { UserError } from '../../util/errors.ts';
import { isObject, type Json } from '../../util/json.ts';
import { type NodeInput, type UnitState, unitsRead } from './graph.ts';

/** The pre-image; undefined while an input has no record. */
export function preimageOf(unit: UnitState, sources: Readonly<Record<string, BlobRef>>): KeyPreimage | undefined {
  const isOpen = unit.owner.inputs.some((input) => inputDigest(unit, input) === undefined);
  return isOpen ? undefined : knownPreimage(unit, sources);
}

/** As much of the pre-image as is known: without the inputs that have no record yet. */
export function knownPreimage(unit: UnitState, sources: Readonly<Record<string, BlobRef>>): KeyPreimage {
  const inputs: Record<string, InputDigest> = {};
  for (const input of unit.owner.inputs) {
    const digest = inputDigest(unit, input);
    if (digest) inputs[input.name] = digest;
  }
  const { node, definition } = unit.owner;
  return {
    t: 'action/1',
    stage: definition.name,
    version: definition.version,
    params: withoutPaths(unit.unit.params, node.params, node.paths),
    inputs,
    sources,
    ...(definition.seeded ? { seed: node.seed } : {}),
    ...(definition.numeric ? { numerics: node.numerics } : {}),
    ...(definition.units === undefined ? {} : { unit: unit.unit.name }),
  };
}

/** Undefined while a record is missing; null where the records lack the output and the input may do without. */
function inputDigest(unit: UnitState, input: NodeInput): InputDigest | null | undefined {
  const read = unitsRead(unit, input);
  if (read === undefined) return undefined;
  const refs: Record<string, BlobRef> = {};
  for (const each of read) {
    if (each.record === undefined) return undefined;
    const artifact = each.record.outputs[input.output];
    if (artifact === undefined) return leftEmpty(unit, input);
    refs[each.unit.name] = { digest: artifact.digest, size: artifact.size };
  }
  return input.from.definition.units === undefined ? refs[''] : { units: refs };
}

function leftEmpty({ owner }: UnitState, { name, output, from }: NodeInput): null {
  if (owner.definition.inputs[name]?.optional) return null;
  throw new UserError(
    `input '${name}' needs output '${output}' of stage '${from.node.stage}', which made none with its parameters`,
  );
}

/**
 * `params` without the values at the JSON pointers `paths`: not where a file lies enters the key but its bytes. A
 * unit's own parameters lose a path only where it is the stage's.
 */
export function withoutPaths(params: JsonObject, ofStage: JsonObject, paths: readonly string[]): JsonObject {
  const known = paths.filter((path) => valueAt(params, path) === valueAt(ofStage, path));
  return known.reduce((rest, path) => removeAt(rest, pointerParts(path)) as JsonObject, params);
}

/** The value at a JSON pointer (RFC 6901); undefined when there is none. */
export function valueAt(value: Json, pointer: string): Json | undefined {
  let at: Json | undefined = value;
  for (const part of pointerParts(pointer)) {
    if (!isObject(at) && !Array.isArray(at)) return undefined;
    at = (at as Record<string, Json | undefined>)[part];
  }
  return at;
}

/** The keys of a JSON pointer. */
export function pointerParts(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** An element of a list becomes null, so that the others keep their places; a member of an object goes. */
function removeAt(value: Json, [first, ...rest]: string[]): Json {
  if (first === undefined) return null;
  if (Array.isArray(value)) {
    return (value as readonly Json[]).map((each, i) => (String(i) === first ? removeAt(each, rest) : each));
  }
  if (!isObject(value)) return value;
  const { [first]: inner, ...others } = value as JsonObject;
  return rest.length === 0 || inner === undefined ? others : { ...others, [first]: removeAt(inner, rest) };
}
