// The losses of trainings for the page: of the stages of some runs, those that are cached included.

import { livingAttempts } from '../../store/attempts.ts';
import { readJsonArtifact } from '../../store/read-artifact.ts';
import type { Store } from '../../store/store.ts';
import { readTrace } from '../../store/traces.ts';
import type { Curve, CurveFacts } from '../../ui/facts.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { printable } from '../../util/printable.ts';
import type { NamedRun } from '../runs/latest-runs.ts';
import { orSay } from '../runs/run-info.ts';
import { readName } from './names.ts';
import { isKey, type KeptUnit, type RunUnits, runUnits } from './run-units.ts';

/** Points of a curve that are sent: a screen has no more columns. */
const mostPoints = 400;
/** Trainings that are looked up in one question. */
const mostUnits = 2000;

/** The curves of runs. Throws UserError for a name that there is not. */
export async function curvesOf(store: Store, names: readonly string[]): Promise<CurveFacts> {
  const curves: Curve[] = [];
  const remarks: string[] = [];
  let [silent, looked] = [0, 0];
  for (const text of names) {
    const named = readName(store.folder, text);
    if (named.kind === 'outcome') {
      remarks.push(`'${named.name}' is kept without the losses of its trainings: run it to have them`);
      continue;
    }
    const units = runUnits(store.folder, named);
    remarks.push(...units.damaged.map(printable));
    for (const training of trainingsOf(store.folder, named, units)) {
      if (looked++ >= mostUnits) continue;
      const points = await pointsOf(store, training, remarks);
      if (points.length > 0) curves.push({ ...training.about, points: thinned(points) });
      else if (training.status !== 'running') silent++;
    }
  }
  if (looked > mostUnits) remarks.push(`${looked - mostUnits} trainings more are not shown: choose fewer runs`);
  return { curves, silent, remarks };
}

interface Training {
  about: Omit<Curve, 'points'>;
  key: string;
  status: string;
  curve: { digest: string; size: number } | undefined;
}

/** Stages that train; a user's own are known by the traces that they left. */
const trains = new Set(['slw', 'sft', 'pretrain', 'lora', 'fit-layer', 'relax', 'recursive']);

function trainingsOf(store: string, { experiment, run }: NamedRun, { info, plan, live, nodes }: RunUnits): Training[] {
  if (plan === null) return [];
  const seeds = new Set(plan.table.mean_over);
  const running = info.status === 'running' ? livingUnits(store, experiment) : new Map<string, string>();
  const liveKeys = new Map(live?.nodes.map(({ node, keys }) => [node, keys]));
  return plan.nodes.flatMap((node) => {
    if (!trains.has(node.use) && !node.use.includes('/')) return [];
    const known: KeptUnit[] = [...(nodes?.get(node.id) ?? [])];
    for (const [unit, key] of Object.entries(liveKeys.get(node.id) ?? {}))
      known.push({ unit, key, status: 'ran', facts: {}, outputs: {} });
    for (const [name, key] of running) {
      const [id, unit = ''] = name.split('\n');
      if (id === node.id) known.push({ unit, key, status: 'running', facts: {}, outputs: {} });
    }
    return known.flatMap(({ unit, key, status, outputs }): Training[] => {
      if (key === null || !isKey(key)) return [];
      const axes = node.cell === '' ? [] : node.cell.split(',');
      const isSeed = (part: string) => seeds.has(part.slice(0, part.indexOf('=')));
      const about = {
        run: `${experiment}@${run}`,
        ...{ stage: node.stage, use: node.use, cell: node.cell, unit },
        group: [unit, ...axes.filter((part) => !isSeed(part))].filter((part) => part !== '').join(' · '),
        seed: axes.filter(isSeed).join(' · ') || `seed ${node.seed}`,
        running: status === 'running',
      };
      return [{ about, key, status, curve: outputs.curve }];
    });
  });
}

/** The keys of the units that are worked on, by `node\nunit`. */
export function livingUnits(store: string, experiment: string): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { order } of livingAttempts(store)) {
    if (order.experiment !== experiment || !Array.isArray(order.units)) continue;
    for (const each of order.units)
      if (isObject(each) && typeof each.key === 'string' && isKey(each.key))
        keys.set(`${order.node}\n${each.unit}`, each.key);
  }
  return keys;
}

type Point = Curve['points'][number];

/** What was told while it trained; of one of before that was kept, the curve that it made. */
async function pointsOf(store: Store, { key, curve, about }: Training, remarks: string[]): Promise<readonly Point[]> {
  const told = readTrace(store.folder, key);
  if (told.length > 0 || curve === undefined) return told;
  try {
    const { path } = await store.open(curve);
    const what = `the curve of stage '${about.stage}'`;
    const made = orSay(() => readJsonArtifact({ path }, curve, what), remarks as string[]);
    const losses = isObject(made) && Array.isArray(made.loss) ? made.loss : [];
    return losses.flatMap((loss, i): Point[] =>
      typeof loss === 'number' ? [{ step: i + 1, total: losses.length, time_ms: null, loss, tokens: null }] : [],
    );
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return [];
  }
}

/** Every so many points, the last among them. */
function thinned(points: readonly Point[]): readonly Point[] {
  const every = Math.ceil(points.length / mostPoints);
  return points.filter((_, i) => i % every === 0 || i === points.length - 1);
}
