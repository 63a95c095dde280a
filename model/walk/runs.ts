// The passages of many texts in runs, each of which goes through all layers before the next begins: the shortest texts come first.
import { createHash } from 'node:crypto';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type Pack, type PackSettings, packsOf, passagesOf, runsOf } from './packs.ts';
import type { Passage } from './passage.ts';

/** Texts that are taken through the layers together. */
export interface TextRun {
  /** Places of its texts in the list of all. */
  readonly texts: readonly number[];
  /** The texts of each passage, by their places in `texts`. */
  readonly packs: readonly Pack[];
  /** Numbers of their states, passage by passage. */
  readonly rows: number;
  /** Made anew each time, since they are large. */
  passages(): Passage[];
}

/** The texts, as token ids. */
export type Texts = readonly { readonly ids: Int32Array }[];

/** All runs; the same texts and settings give the same ones. */
export function sortedRuns(config: ModelConfig, texts: Texts, settings: PackSettings): TextRun[] {
  const lengths = texts.map(({ ids }) => ids.length);
  const order = [...lengths.keys()].sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b);
  return runsOf(order, lengths, config.hidden_size, settings).map((run) => {
    const own = run.map((text) => texts[text] as Texts[number]);
    const packs = packsOf(
      own.map(({ ids }) => ids.length),
      settings,
    );
    const passages = () => passagesOf(config, own, packs, settings);
    const rows = passages().reduce((sum, { ids }) => sum + ids.length, 0);
    return { texts: run, packs, rows, passages };
  });
}

/** SHA-256 of all passages in their order: states that were kept of equal ones can stand in for each other. */
export function digestOf(runs: readonly TextRun[]): string {
  const hash = createHash('sha256');
  for (const run of runs) {
    for (const { extent, ids } of run.passages()) hash.update(`${extent.batch} ${extent.tokens}\n`).update(ids);
  }
  return hash.digest('hex');
}
