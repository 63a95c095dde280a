// Replacement maps as a user writes them: a type's name, a text '3:4,5; 6:7-9', or an object {"3": [4, 5]}.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { type Group, type ReplacementMap, replacementMap, replacementTypes } from './sharing.ts';

/** A type's name, or an explicit map in one of its two forms. */
export type MapSpec = string | { readonly [reference: string]: number | readonly number[] };

/**
 * The valid map that `spec` stands for in a model of `layers` layers; a UserError for every other. With `anywhere`, any
 * layer may stand in for any other, as in the paper's Figure 2.
 */
export function parseMap(spec: MapSpec, layers: number, anywhere = false): ReplacementMap {
  if (typeof spec === 'string' && !/[:\d]/.test(spec[0] ?? '')) return replacementMap(spec, layers);
  const groups = typeof spec === 'string' ? groupsOfText(spec) : groupsOfObject(spec);
  const map = groups.toSorted((a, b) => a.reference - b.reference);
  if (anywhere) checkAnywhere(map, layers);
  else checkMap(map, layers);
  return map;
}

/** Throws a UserError unless every layer is in the model and has at most one part in the map. */
function checkAnywhere(map: ReplacementMap, layers: number): void {
  if (map.length === 0) throw new UserError(`a replacement map must have a group, expected such as '3:4; 5:6'`);
  const taken = new Set<number>();
  for (const layer of map.flatMap(({ reference, targets }) => [reference, ...targets])) {
    if (layer < 1 || layer > layers || taken.has(layer)) {
      const problem = taken.has(layer) ? 'occurs twice' : 'is not there';
      throw new UserError(`replacement map: layer ${layer} ${problem}, expected each once, from 1 to ${layers}`);
    }
    taken.add(layer);
  }
}

/** The numbers of a text such as '3-16,18', ascending, each once; `source` begins the message of a UserError. */
export function listedLayers(text: string, source: string): number[] {
  return [...new Set(text.split(',').flatMap((part) => range(part, source)))].toSorted((a, b) => a - b);
}

/** The layers of a text such as '3-16,18', ascending, each once; a UserError unless all are from 1 to `layers`. */
export function parseLayers(text: string, layers: number): number[] {
  const listed = listedLayers(text, 'layers');
  const stranger = listed.find((layer) => layer < 1 || layer > layers);
  if (stranger !== undefined) {
    throw new UserError(`layers: '${text}' must name layers from 1 to ${layers}, got ${stranger}`);
  }
  return listed;
}

/** Throws a UserError unless targets follow their reference without a gap, are disjoint, and spare the first and the last layer. */
export function checkMap(map: ReplacementMap, layers: number): void {
  if (map.length === 0) throw new UserError(`a replacement map must have a group, expected such as '3:4; 5:6'`);
  let previous = 0;
  for (const { reference, targets } of map) {
    const group = `replacement map: group '${reference}:${targets.join(',')}'`;
    if (targets.length === 0) throw new UserError(`${group} has no target`);
    if (reference < 1) throw new UserError(`${group}: layers count from 1, got reference ${reference}`);
    if (reference <= previous) {
      throw new UserError(`${group}: layer ${reference} is in the group before it already, groups must not overlap`);
    }
    targets.forEach((target, i) => {
      if (target === reference + 1 + i) return;
      throw new UserError(
        `${group}: targets must follow their reference without a gap, expected ${reference + 1 + i}, got ${target}`,
      );
    });
    previous = targets[targets.length - 1] as number;
    if (previous >= layers) {
      throw new UserError(
        `${group}: the last layer (${layers}) and those beyond it are never targets, got ${previous}`,
      );
    }
  }
}

function groupsOfText(text: string): Group[] {
  return text
    .split(';')
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const match = /^\s*(\d{1,5})\s*:\s*([\d\s,-]+?)\s*$/.exec(part);
      if (!match)
        throw new UserError(
          `replacement map: '${part.trim()}' is not a group, expected 'reference:target,target' such as '3:4,5'`,
        );
      return { reference: Number(match[1]), targets: (match[2] as string).split(',').flatMap((part) => range(part)) };
    });
}

/** '4' -> [4], '4-6' -> [4, 5, 6]. */
function range(text: string, what = 'replacement map'): number[] {
  const match = /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(text);
  const [from, to] = match ? [Number(match[1]), Number(match[2] ?? match[1])] : [1, 0];
  if (to < from)
    throw new UserError(
      `${what}: '${text.trim()}' is not a layer, expected a number such as '4' or a range such as '4-6'`,
    );
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

function groupsOfObject(spec: unknown): Group[] {
  if (!isObject(spec)) {
    throw new UserError(
      `a replacement map must be a type (${replacementTypes.join(', ')}), a text '3:4,5; 6:7' or an object {"3": [4, 5]}`,
    );
  }
  return Object.entries(spec).map(([key, value]) => {
    const targets = [value].flat();
    const whole = [Number(key), ...targets].every((layer) => Number.isInteger(layer));
    if (!whole)
      throw new UserError(`replacement map: '${key}' must have a layer or a list of layers, such as {"3": [4, 5]}`);
    return { reference: Number(key), targets: targets as number[] };
  });
}
