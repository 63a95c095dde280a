// Which records of a data set go where, by two seeds: one for what is measured, which stays, and one for what is learned from.
import { UserError } from '../../util/errors.ts';
import { createRandom, shuffle } from '../../util/random.ts';

const mostRecords = 2 ** 31;

/** What becomes of a record, by its place. */
export const fates = { left: 0, train: 1, evaluation: 2 } as const;

/** How records are drawn; without a limit all are taken. */
export interface Drawing {
  /** Records at most, those that are set aside included. */
  limit: number | undefined;
  /** Records at most of those that are set aside; the others are left out, so that training does not depend on this. */
  eval_limit: number | undefined;
  eval_fraction: number;
  /** Draws training records where there is a limit. */
  seed: number;
  /** Draws the records that are measured. */
  eval_seed: number;
}

/** The fate `all` for at most `limit` of the records that are kept. */
export function chooseAll(
  kept: Kept,
  limit: number | undefined,
  seed: number,
  all: 'train' | 'evaluation',
): Uint8Array {
  const chosen = nothingChosen(kept);
  for (const place of limited(keptPlaces(kept), limit, seed)) chosen[place] = fates[all];
  return chosen;
}

/**
 * A share set aside for evaluation, by `eval_seed` alone; training gets the rest, or what `seed` draws of the rest. With equal seeds that is
 * the rest of the records that `eval_seed` drew.
 */
export function chooseSplit(kept: Kept, drawing: Drawing): Uint8Array {
  const { limit, eval_limit, eval_fraction, seed, eval_seed } = drawing;
  const chosen = nothingChosen(kept);
  const places = keptPlaces(kept);
  const drawn = limited(places, limit, eval_seed);
  const held = eval_fraction === 0 ? 0 : Math.max(1, Math.round(drawn.length * eval_fraction));
  if (held >= drawn.length) {
    throw new UserError(`cannot set ${held} of ${drawn.length} records aside: expected more records, or an eval_path`);
  }
  const aside = shuffledIndices(drawn.length, 'split', eval_seed).slice(0, held);
  for (const index of aside) chosen[drawn[index] as number] = fates.evaluation;
  let wanted = drawn.length - held;
  for (const place of inOrder(places, limit, seed)) {
    if (chosen[place] === fates.evaluation) continue;
    if (wanted-- === 0) break;
    chosen[place] = fates.train;
  }
  for (const index of aside.slice(eval_limit ?? held)) chosen[drawn[index] as number] = fates.left;
  return chosen;
}

/** Records by place: how many there are, and which repeat an earlier one (undefined when that was not asked). */
export interface Kept {
  total: number;
  repeats: ReadonlySet<number>;
}

/** Parquet files say how many rows they have, and nobody has looked yet. */
function nothingChosen({ total }: Kept): Uint8Array {
  if (total <= mostRecords) return new Uint8Array(total);
  throw new UserError(`expected at most ${mostRecords} records in a data set, got ${total}`);
}

/** The places of the records that are no repeats, ascending. */
function keptPlaces({ total, repeats }: Kept): Uint32Array {
  const places = new Uint32Array(total - repeats.size);
  for (let place = 0, at = 0; place < total; place++) if (!repeats.has(place)) places[at++] = place;
  return places;
}

/** The places that the limit leaves, ascending. */
function limited(places: Uint32Array, limit: number | undefined, seed: number): Uint32Array {
  if (limit === undefined || places.length <= limit) return places;
  return inOrder(places, limit, seed).slice(0, limit).sort();
}

/** All places, in the order in which a limit takes them. */
function inOrder(places: Uint32Array, limit: number | undefined, seed: number): Uint32Array {
  if (limit === undefined || places.length <= limit) return places;
  return Uint32Array.from(shuffledIndices(places.length, 'limit', seed), (index) => places[index] as number);
}

function shuffledIndices(count: number, purpose: string, seed: number): number[] {
  return shuffle(
    Array.from({ length: count }, (_, i) => i),
    createRandom('dataset', purpose, seed),
  );
}
