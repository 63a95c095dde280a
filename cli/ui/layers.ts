// What a run says of its model's layers: how alike they are, which share an MLP, and how well each target was fitted.

import { pairs } from '../../model/sharing/sharing.ts';
import { parseMap } from '../../model/sharing/sharing-parse.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { Store } from '../../store/store.ts';
import type { LayerFacts, LayerMap, LayerPair } from '../../ui/facts.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { orSay } from '../runs/run-info.ts';
import { readName } from './names.ts';
import { type KeptUnit, runUnits } from './run-units.ts';

/** Maps and scores that are shown, each once: a grid has as many as it has cells. */
const mostMaps = 24;
const mostScores = 6;
/** Deeper models are none that anybody has. */
const mostLayers = 1024;

/** The layers under a name. Throws UserError. */
export async function layersOf(store: Store, text: string): Promise<LayerFacts> {
  const named = readName(store.folder, text);
  if (named.kind === 'outcome')
    throw new UserError(`'${named.name}' is kept without facts about layers: choose a run of the store`);
  const { plan, nodes, damaged } = runUnits(store.folder, named);
  const remarks = [...damaged];
  const scores: LayerFacts['scores'][number][] = [];
  const maps = new Map<string, LayerMap>();
  let layers = 0;
  for (const { id, use, stage, cell } of plan?.nodes ?? []) {
    const units = nodes?.get(id) ?? [];
    const title = cell === '' ? stage : `${stage} · ${cell}`;
    for (const { facts } of units) layers = Math.max(layers, wholeNumber(facts.layers));
    if (use === 'layer-similarity' && scores.length < mostScores) {
      const found = await scoresOf(store, title, units[0], remarks);
      if (found !== undefined) scores.push(found);
    }
    const pairsOf = use === 'slw' || use === 'share' ? pairsOfUnits(units) : [];
    if (pairsOf.length === 0) continue;
    const map = mapText(pairsOf);
    const name = use === 'slw' ? `${title}\n${map}` : map;
    if (!maps.has(name)) maps.set(name, { title, map, pairs: pairsOf });
  }
  for (const { angular } of scores) layers = Math.max(layers, angular.length);
  for (const map of maps.values()) for (const { target } of map.pairs) layers = Math.max(layers, target);
  if (nodes === undefined) remarks.push('a run tells of its layers when it is over');
  if (maps.size > mostMaps) remarks.push(`${maps.size - mostMaps} maps more are not shown`);
  const shown = [...maps.values()].slice(0, mostMaps);
  return { name: named.name, layers: Math.min(layers, mostLayers), scores, maps: shown, remarks };
}

function wholeNumber(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** The pairs that the units of a stage say; one that cannot be read says none. */
function pairsOfUnits(units: readonly KeptUnit[]): LayerPair[] {
  return units.flatMap(({ facts }) => {
    if (typeof facts.map !== 'string') return [];
    const map = facts.map;
    const found = orSay(() => pairs(parseMap(map, mostLayers, true)), []) ?? [];
    const number = (value: unknown) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
    const fit = found.length === 1 ? { loss: number(facts.last_loss), first_loss: number(facts.first_loss) } : noFit;
    return found.map((pair) => ({ ...pair, ...fit }));
  });
}

const noFit = { loss: null, first_loss: null };

function mapText(all: readonly LayerPair[]): string {
  const groups = new Map<number, number[]>();
  for (const { reference, target } of all) groups.set(reference, [...(groups.get(reference) ?? []), target]);
  return [...groups]
    .sort((a, b) => a[0] - b[0])
    .map(([reference, targets]) => `${reference}:${targets.sort((a, b) => a - b).join(',')}`)
    .join('; ');
}

async function scoresOf(
  store: Store,
  title: string,
  unit: KeptUnit | undefined,
  remarks: string[],
): Promise<LayerFacts['scores'][number] | undefined> {
  const metrics = unit?.outputs.metrics;
  if (metrics === undefined) return undefined;
  const { path } = await store.open(metrics);
  const read = orSay(() => readJsonArtifact({ path }, metrics, `the metrics of '${title}'`), remarks);
  if (!isObject(read) || !isObject(read.angular)) return undefined;
  const angular = rowsOf(read.angular).map((row) => numbersOf(row));
  return { title, angular, block_influence: numbersOf(read.block_influence) };
}

/** Values by number from 1. */
function rowsOf(table: unknown): unknown[] {
  if (!isObject(table)) return [];
  const count = Math.min(mostLayers, Object.keys(table).length);
  return Array.from({ length: count }, (_, i) => table[i + 1]);
}

function numbersOf(table: unknown): number[] {
  return rowsOf(table).map((value) => (typeof value === 'number' ? value : Number.NaN));
}
