// Which records of a data set go where: first the limit, then the split, both drawn by the seed; nothing is held but numbers.
import { UserError } from '../util/errors.ts';
import { createRandom, shuffle } from '../util/random.ts';

const mostRecords = 2 ** 31;

/** What becomes of a record, by its place. */
export const fates = { left: 0, train: 1, evaluation: 2 } as const;

/** The fate of every record: at most `limit` of those that are kept, all for `all`. */
export function chooseAll(
  kept: Kept,
  limit: number | undefined,
  seed: number,
  all: 'train' | 'evaluation',
): Uint8Array {
  const chosen = nothingChosen(kept);
  for (const place of limited(kept, limit, seed)) chosen[place] = fates[all];
  return chosen;
}

/** The same, with a share set aside for evaluation. */
export function chooseSplit(kept: Kept, limit: number | undefined, eval_fraction: number, seed: number): Uint8Array {
  const chosen = nothingChosen(kept);
  const places = limited(kept, limit, seed);
  const held = eval_fraction === 0 ? 0 : Math.max(1, Math.round(places.length * eval_fraction));
  if (held >= places.length) {
    throw new UserError(`cannot set ${held} of ${places.length} records aside: expected more records, or an eval_path`);
  }
  for (const place of places) chosen[place] = fates.train;
  const order = shuffledIndices(places.length, 'split', seed);
  for (const index of order.slice(0, held)) chosen[places[index] as number] = fates.evaluation;
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

/** The places of the records that the limit leaves, ascending. */
function limited({ total, repeats }: Kept, limit: number | undefined, seed: number): Uint32Array {
  const places = new Uint32Array(total - repeats.size);
  for (let place = 0, at = 0; place < total; place++) if (!repeats.has(place)) places[at++] = place;
  if (limit === undefined || places.length <= limit) return places;
  const order = shuffledIndices(places.length, 'limit', seed).slice(0, limit);
  return Uint32Array.from(order, (index) => places[index] as number).sort();
}

function shuffledIndices(count: number, purpose: string, seed: number): number[] {
  return shuffle(
    Array.from({ length: count }, (_, i) => i),
    createRandom('dataset', purpose, seed),
  );
}
