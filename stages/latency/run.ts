// The work of latency: both models in turn, each repetition in a fresh process, and a report of what came out.
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContextOf } from '../../contract/define.ts';
import { machineFacts } from '../common/timings.ts';
import type { latency } from './declare.ts';
import { type PlacedModel, placeModel } from './files.ts';
import { sampleOf } from './process.ts';
import { latencyReport } from './report.ts';
import type { LatencyRequest, LatencySample } from './session.ts';

type Context = ContextOf<typeof latency>;

interface Contestant extends PlacedModel {
  /** The name of the input. */
  readonly name: string;
  readonly samples: LatencySample[];
}

export async function measureLatency(context: Context): Promise<void> {
  const [unit] = context.units;
  const { machine, ...setting } = context.params;
  const folder = join(unit.scratch, 'models');
  try {
    const contestants = await placeInputs(context, folder);
    await measureInTurn(context, contestants);
    const [model, reference] = contestants as [Contestant, Contestant?];
    const { provider, threads } = context.numerics;
    const report = latencyReport(model, reference, threads);
    const about = { ...setting, threads, provider, ...machineFacts(), ...(machine !== undefined && { machine }) };
    await writeFile(unit.outputs.metrics, `${JSON.stringify({ ...report, measured: about }, null, 2)}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await unit.done();
}

/** The model, then the reference where there is one. */
async function placeInputs({ inputs }: Context, folder: string): Promise<Contestant[]> {
  const contestants: Contestant[] = [];
  for (const name of ['model', 'reference'] as const) {
    const input = inputs[name];
    if (input === undefined || Object.keys(input.files).length === 0) continue;
    const placed = await placeModel(join(folder, name), input, inputs[`${name}_data`]);
    contestants.push({ ...placed, name, samples: [] });
  }
  return contestants;
}

/** Rounds of one process per model; who goes first changes from round to round, and the round before them does not count. */
async function measureInTurn(context: Context, contestants: readonly Contestant[]): Promise<void> {
  const { repetitions } = context.params;
  for (let round = 0; round <= repetitions; round++) {
    const order = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const contestant of order) {
      const sample = await sampleOf(contestant.name, requestOf(context, contestant), context.signal);
      if (round > 0) contestant.samples.push(sample);
    }
    context.progress({ done: round + 1, total: repetitions + 1, of: 'round', note: noteOf(contestants) });
  }
}

function requestOf({ params, numerics }: Context, { path }: PlacedModel): LatencyRequest {
  const { prompt_tokens, decode_tokens, warmups, passes } = params;
  const { provider, threads } = numerics;
  return { path, provider, threads, prompt_tokens, decode_tokens, warmups, passes };
}

function noteOf([model]: readonly Contestant[]): string {
  const last = model?.samples.at(-1);
  if (last === undefined) return 'warming up';
  return `load ${last.load_s.toPrecision(3)} s, forward ${last.forward_s.toPrecision(3)} s`;
}
