// Decoding that stops early (LITE, arXiv 2310.18581; CALM, arXiv 2207.07061, and its code, google-research/t5x@18f74b7 contrib/calm/models.py):
// a token goes no further than the first exit that is sure of it, and the layers above make its keys and values of that exit's state.
//
// B rows (texts), D hidden, V vocabulary.
import { classified, likeliestToken, maxProbability, probabilityGap, stateSimilarity } from '../exits/confidence.ts';
import { type EarlyExit, readsLogits, thresholdAt } from '../exits/exit-rule.ts';
import { cachePlaces, KvCache, type LayerCache } from '../forward/kv-cache.ts';
import { attendingLayers } from '../forward/layer-weights.ts';
import type { Model } from '../forward/model.ts';
import { ropeAt, ropeOf } from '../forward/rope.ts';
import { checkLength, type Decoder, neededPlaces } from './decoder.ts';
import { createExitGraphs, type SegmentOutputs, type StepPlace } from './exit-graphs.ts';
import type { Oracle } from './oracles.ts';
import { createPromptReader } from './read-prompts.ts';

/** One step of decoding. */
export interface ExitStep {
  /** The rows that took part. */
  readonly rows: readonly number[];
  /** The layer (from 1) after which all of them stopped. */
  readonly layer: number;
  /** How often the head was asked. */
  readonly heads: number;
  /** By row of `rows`: tokens before the new one. */
  readonly lengths: readonly number[];
  /** By row of `rows`: how sure the exit was; undefined where no exit was taken. */
  readonly confidences: readonly number[] | undefined;
}

/** How a model decodes that stops early. */
export interface ExitSettings {
  readonly exit: EarlyExit;
  /** T of the threshold's decay: the most tokens that a text is to get. */
  readonly max_tokens: number;
  readonly oracle?: Oracle | undefined;
  readonly onStep?: ((step: ExitStep) => void) | undefined;
}

/**
 * A decoder that stops early: prompts are read by all layers, and so is the first token made; each later token of a batch stops where all
 * of its rows are sure, as in CALM's code.
 */
export function createExitDecoder(model: Model, settings: ExitSettings, maxLength: number): Decoder {
  const cache = new KvCache(model.config, attendingLayers(model).length);
  const rope = ropeOf(model.config);
  const readPrompts = createPromptReader(model);
  const walk = createExitWalk(model, settings);
  /** By row: tokens of its prompt. */
  const prompts: number[] = [];
  return {
    model,
    get rows() {
      return cache.rows;
    },
    resize: (rows) => cache.resize(rows, neededPlaces(cache, rows, maxLength)),
    read(texts, order = 'given') {
      for (const { length } of texts) checkLength(length, maxLength);
      return readPrompts(texts, order);
    },
    fill(row, prompt) {
      cache.clear(row);
      cache.resize(cache.rows, Math.max(cache.places, cachePlaces(prompt.places.length, maxLength)));
      cache.fill(row, prompt);
      prompts[row] = prompt.places.length;
    },
    async step(tokens, rows) {
      for (const row of rows) checkLength((cache.lengths[row] as number) + 1, maxLength);
      cache.resize(cache.rows, Math.max(cache.places, neededPlaces(cache, cache.rows, maxLength)));
      const lengths = rows.map((row) => cache.lengths[row] as number);
      const made = lengths.map((length, i) => length - (prompts[rows[i] as number] as number) + 1);
      const place = { cache, rope: ropeAt(rope, cache.lengths) };
      const { logits, found, ...step } = await walk(tokens, rows, made, place);
      cache.append(rows, found);
      settings.onStep?.({ rows, lengths, ...step });
      return logits;
    },
    move(from, to) {
      cache.move(from, to);
      prompts[to] = prompts[from] as number;
    },
    clear: (row) => cache.clear(row),
  };
}

interface Walked extends Pick<ExitStep, 'layer' | 'heads' | 'confidences'> {
  readonly logits: Float32Array;
  readonly found: readonly LayerCache[];
}

/** One step through the segments of `model`; `made`: by row of `rows`, tokens of its text before the new one. */
function createExitWalk(model: Model, { exit, max_tokens, oracle = 'none' }: ExitSettings) {
  const { rule } = exit;
  const { hidden_size: width, vocab_size: vocabulary, num_hidden_layers: depth } = model.config;
  const isAsked = (end: number) => end < depth && end >= rule.min_exit;
  const needsLogits = readsLogits(rule.confidence) || oracle === 'exit';
  const graphs = createExitGraphs(model, rule.exits, (end) => end === depth || (needsLogits && isAsked(end)));

  function confidenceOf(walked: readonly SegmentOutputs[], index: number, row: number): number {
    const { states, logits } = walked[index] as SegmentOutputs;
    switch (rule.confidence) {
      case 'max_probability':
        return maxProbability(logits as Float32Array, row, vocabulary);
      case 'gap':
        return probabilityGap(logits as Float32Array, row, vocabulary);
      case 'state': {
        const before = walked[index - 1];
        return before === undefined ? 0 : stateSimilarity(before.states, states, row, width);
      }
      case 'classifier': {
        const layer = graphs.ends[index] as number;
        const classifier = exit.classifiers.get(layer);
        if (classifier === undefined) throw new Error(`no classifier was read for the exit after layer ${layer}`);
        return classified(states, row, classifier);
      }
    }
  }

  return async (
    tokens: Int32Array,
    rows: readonly number[],
    made: readonly number[],
    place: StepPlace,
  ): Promise<Walked> => {
    const thresholds = made.map((t) => thresholdAt(rule, t, max_tokens));
    const walked: SegmentOutputs[] = [];
    let stopped: { index: number; confidences: number[] } | undefined;
    let heads = 0;
    for (const [index, end] of graphs.ends.entries()) {
      walked.push(await graphs.run(index, walked.at(-1)?.states ?? tokens, place));
      if (walked[index]?.logits !== undefined) heads++;
      if (stopped !== undefined || oracle === 'exit' || !isAsked(end)) continue;
      const sure = rows.map((row) => confidenceOf(walked, index, row));
      if (!sure.every((value, i) => value >= (thresholds[i] as number))) continue;
      stopped = { index, confidences: sure };
      if (oracle === 'none') break;
    }
    if (oracle === 'exit') stopped = agreeing(walked, rows);
    const last = walked.length - 1;
    const index = stopped?.index ?? last;
    const says = walked[oracle === 'token' ? last : index] as SegmentOutputs;
    if (says.logits === undefined) heads++;
    const logits = says.logits ?? (await graphs.logits(says.states, place.cache.rows));
    const isCarried = stopped !== undefined && oracle !== 'cache';
    const source = walked[rule.propagate === 'first_exit' ? 0 : index] as SegmentOutputs;
    const carried = isCarried ? await graphs.carry(index, source.states, place) : [];
    const kept = isCarried ? walked.slice(0, index + 1) : walked;
    const found = [...kept.flatMap((segment) => segment.found), ...carried];
    return { logits, found, layer: graphs.ends[index] as number, heads, confidences: stopped?.confidences };
  };

  /** The first exit whose likeliest token is the last layer's in all rows. */
  function agreeing(walked: readonly SegmentOutputs[], rows: readonly number[]) {
    const token = (index: number, row: number) =>
      likeliestToken((walked[index] as SegmentOutputs).logits as Float32Array, row, vocabulary);
    const last = walked.length - 1;
    const index = graphs.ends.findIndex(
      (end, i) => isAsked(end) && rows.every((row) => token(i, row) === token(last, row)),
    );
    if (index < 0) return undefined;
    return { index, confidences: rows.map((row) => confidenceOf(walked, index, row)) };
  }
}
