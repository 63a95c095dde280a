// The decoding benchmark: tokens with the cache beside tokens without it, in turn.
import { join } from 'node:path';
import { median } from '../util/statistics.ts';
import { type Duel, type DuelSettings, duel } from './duel.ts';
import { prepareModel } from './engine/model.ts';
import { tinyName } from './engine/shapes.ts';
import { figure, figureWithSpread, mebibytes } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { root } from './place.ts';
import { pairedRatios } from './statistics.ts';
import type { Command } from './whole-process.ts';

/** With the cache, or every text read again for each token. */
export type DecodeMode = 'cached' | 'whole';

export interface DecodeResult {
  model: string;
  rows: { texts: number; duel: Duel }[];
}

/** Texts that are continued side by side. */
const textCounts = [1, 8];
const threads = 1;

/** Measures each number of texts; `say` is told what is being measured. */
export async function benchDecode(settings: DuelSettings, say: (line: string) => void): Promise<DecodeResult> {
  const { model, checkpoint } = await prepareModel(tinyName);
  const side = (mode: DecodeMode, texts: number): Command => {
    const args = [join(root, 'dist/bench/decode-side.js'), mode, String(texts), String(threads), checkpoint];
    return { program: process.execPath, args, cwd: root };
  };
  const rows: DecodeResult['rows'] = [];
  for (const texts of textCounts) {
    say(`decode: ${texts} ${texts === 1 ? 'text' : 'texts'}`);
    rows.push({ texts, duel: await duel(side('cached', texts), side('whole', texts), settings) });
  }
  return { model, rows };
}

/** The result as Markdown. */
export function decodeReport({ model, rows }: DecodeResult): string {
  const head = [
    ...['texts side by side', 'cached, tokens/s', 'without, tokens/s', 'ratio', 'cached /CPU s', 'without /CPU s'],
    ...['by CPU time', 'cached MiB', 'without MiB'],
  ];
  const lines = rows.map(({ texts, duel: { steps, ours, peer } }) => {
    const rate = (times_ms: readonly number[]) => figure((1000 * steps * texts) / median(times_ms));
    const without = peer ?? ours;
    return [
      String(texts),
      rate(ours.wall_ms),
      rate(without.wall_ms),
      figureWithSpread(pairedRatios(without.wall_ms, ours.wall_ms)),
      rate(ours.cpu_ms),
      rate(without.cpu_ms),
      figureWithSpread(pairedRatios(without.cpu_ms, ours.cpu_ms)),
      mebibytes(ours.peak),
      mebibytes(without.peak),
    ];
  });
  return [`Model: ${model}.`, markdownTable(head, lines)].join('\n\n');
}
