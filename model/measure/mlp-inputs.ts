// What goes into each MLP of a model, in one walk over many texts (methods A.4).
import { type PackSettings, packsOf, passagesOf, runsOf } from '../walk/packs.ts';
import type { Passage } from '../walk/passage.ts';
import { embedPassages } from '../walk/rows.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { createWalk } from '../walk/walk.ts';

/** The texts, as token ids. */
type Texts = readonly { readonly ids: Int32Array }[];

/** Which layers are looked at, and who takes what is seen. */
export interface Capture {
  /** From 1. */
  readonly layers: ReadonlySet<number>;
  /** Given the rows [n, D] of a layer for some texts: text after text in their order, token after token. */
  take(layer: number, rows: Float32Array): Promise<void>;
  /** Told which share of the work is done. */
  onProgress?(share: number): void;
}

/** Goes through `texts` in runs of their order, up to the last layer that is looked at. */
export async function captureMlpInputs(
  model: StoredModel,
  texts: Texts,
  settings: PackSettings,
  { layers, take, onProgress = () => {} }: Capture,
): Promise<void> {
  const { config } = model.checkpoint;
  const last = Math.max(...layers);
  const lengths = texts.map(({ ids }) => ids.length);
  const runs = runsOf([...texts.keys()], lengths, config.hidden_size, settings);
  const walk = createWalk(model, (_, { mlpInput }) => [mlpInput]);
  for (const [i, run] of runs.entries()) {
    const own = run.map((text) => texts[text] as Texts[number]);
    const packs = packsOf(
      run.map((text) => lengths[text] as number),
      settings,
    );
    const passages = passagesOf(config, own, packs, settings);
    const rows = new Gathered(own, packs, passages, config.hidden_size);
    await walk(passages, await embedPassages(model, passages), { first: 1, last }, async ({ layer, passage, seen }) => {
      rows.add(passage, seen[0] as Float32Array);
      if (passage === passages.length - 1 && layers.has(layer)) await take(layer, rows.values);
      onProgress((i + (layer - 1 + (passage + 1) / passages.length) / last) / runs.length);
    });
  }
}

/** The rows of real tokens of a run's texts, in their order; filled anew by each layer. */
class Gathered {
  readonly values: Float32Array;
  readonly #packs: readonly (readonly number[])[];
  readonly #passages: readonly Passage[];
  readonly #texts: Texts;
  /** Where each text begins in `values`. */
  readonly #starts: number[] = [];
  readonly #width: number;

  constructor(texts: Texts, packs: readonly (readonly number[])[], passages: readonly Passage[], width: number) {
    let at = 0;
    for (const { ids } of texts) {
      this.#starts.push(at);
      at += ids.length * width;
    }
    this.values = new Float32Array(at);
    this.#texts = texts;
    this.#packs = packs;
    this.#passages = passages;
    this.#width = width;
  }

  /** Takes the rows of passage number `passage`, [N, D] with padding. */
  add(passage: number, rows: Float32Array): void {
    const tokens = (this.#passages[passage] as Passage).extent.tokens;
    this.#packs[passage]?.forEach((text, b) => {
      const from = b * tokens * this.#width;
      const size = (this.#texts[text] as Texts[number]).ids.length * this.#width;
      this.values.set(rows.subarray(from, from + size), this.#starts[text] as number);
    });
  }
}
