// A result with figures, notes on numbers, and the making of its numbers; some of its labels try to be markup.
import type { PlanAxis, PlanFigure } from '../../contract/plan.ts';
import type { Provenance, ProvenanceUnit, RunResult, StageTiming } from '../../contract/result.ts';
import { cell, dataAxis, methodAxis, perplexityTable, result, seedAxis } from './results.ts';

export const hostile = `<script>alert("1")</script> & 'x' <!-- \u0000 ]]>`;

export function figure(changes: Partial<PlanFigure> = {}): PlanFigure {
  return {
    name: 'by-method',
    title: 'Perplexity by method',
    kind: 'line',
    x: 'method',
    series: ['data'],
    where: {},
    scale: 'log',
    x_label: 'method',
    y_label: 'perplexity',
    caption: '',
    ...changes,
  };
}

function unit(key: string, changes: Partial<ProvenanceUnit> = {}): ProvenanceUnit {
  const numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 } as const;
  const own = { unit: '', version: 1, params: 0, seed: null, numerics, sources: {}, inputs: {} };
  return { ...own, key: key.repeat(64), outputs: { out: 'd'.repeat(64) }, ...changes };
}

const node = { cell: '', origin: 'pipelines/sharp.yaml:8', origins: { rank: 'experiments/e.yaml:5' }, inputs: {} };

/** load -> slw (two units, of which the second node shares one) -> perplexity-eval. */
export const provenance: Provenance = {
  nodes: [
    { ...node, id: 'base', stage: 'base', use: 'load', units: [0] },
    { ...node, id: 'warm[type=a]', stage: 'warm', use: 'slw', cell: 'type=a', inputs: { model: 0 }, units: [1, 2] },
    { ...node, id: 'warm[type=b]', stage: 'warm', use: 'slw', cell: 'type=b', inputs: { model: 0 }, units: [2] },
    {
      ...node,
      id: 'ppl[type=a]',
      stage: 'ppl',
      use: 'perplexity-eval',
      cell: 'type=a',
      inputs: { model: 0, recovery: 1 },
      units: [3],
    },
  ],
  params: [{}, { rank: 5, target: 4 }, { rank: 5, target: 6 }],
  units: [
    unit('a', { sources: { path: 'f'.repeat(64) } }),
    unit('b', { unit: '3→4', params: 1, seed: 7, inputs: { model: [0] } }),
    unit('c', { unit: hostile, params: 2, seed: 7, inputs: { model: [0] } }),
    unit('k', { inputs: { model: [0], recovery: [1, 2] } }),
  ],
};

export const timings: StageTiming[] = ['base', 'warm', 'ppl'].map((stage, i) => ({
  stage,
  use: ['load', 'slw', 'perplexity-eval'][i] as string,
  units: [1, 2, 1][i] as number,
  cached: 1,
  ran: i === 1 ? 1 : 0,
  missing: 0,
  duration_ms: 61_000,
  longest_ms: 60_000,
  ran_ms: 1000,
  peak_rss_bytes: 1.5e9,
}));

const seeds = seedAxis.values.map(({ name }) => name);
const means: Record<string, number> = { original: 1.5, direct_sharing: 88, sharp_slw: 2.5, sharp: 2 };
const hostileAxis: PlanAxis = {
  ...dataAxis,
  values: [...dataAxis.values, { name: 'hostile', label: hostile }],
};

/** Four methods, three data sets (one with a hostile label), three seeds; the paper has numbers for the first set. */
export const made: RunResult = result(
  methodAxis.values.flatMap(({ name: method }) =>
    hostileAxis.values.flatMap(({ name: data }, i) =>
      seeds.map((seed) => {
        const value = (means[method] as number) * (1 + i / 10 + Number(seed) / 50);
        return { ...cell({ method, data, seed }, value, i === 0 ? 3 : null), key: 'k'.repeat(64) };
      }),
    ),
  ),
  {
    title: `A table of ${hostile}`,
    axes: [methodAxis, hostileAxis, seedAxis],
    table: { ...perplexityTable, mean_over: ['seed'] },
    notes: [`a note with ${hostile}`],
    cell_notes: [
      { where: { method: ['sharp'], data: ['arxiv_math', 'dialogsum'] }, note: `of some, ${hostile}` },
      { where: { method: ['sharp'] }, note: 'of SHARP' },
      { where: { method: ['absent'] }, note: 'of none' },
    ],
    claims: [
      { claim: `a ${hostile}`, holds: true, detail: '1 < 2', within_noise: true },
      { claim: 'two cases', holds: false, detail: 'on x: 2 > 1' },
      { claim: 'two cases', holds: null, detail: 'no value' },
    ],
    figures: [
      figure({ title: hostile, caption: hostile }),
      figure({ name: 'bars', kind: 'bar' }),
      figure({ name: 'map', kind: 'heatmap', x: 'method', y: 'data', series: [] }),
    ],
    overrides: [`--set ${hostile}`],
    provenance,
    timings,
  },
);
