// Cuts a text where a pattern is found: what becomes of what was found is the behaviour.
import type { Matcher } from './matcher.ts';
import type { Options } from './options.ts';

/** Parts of a text that are not empty: [begin, end, begin, end, ...]. */
export type Cut = (text: string) => number[];

export const behaviours = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;
export type Behaviour = (typeof behaviours)[number];

/** The option `behavior`. */
export function readBehaviour(step: Options, otherwise?: Behaviour): Behaviour {
  return step.choice('behavior', behaviours, otherwise);
}

/** With `invert` what was found is what stands between. */
export function cutter(find: Matcher, behaviour: Behaviour, invert = false): Cut {
  if (behaviour === 'Isolated') return (text) => everything(text, find(text));
  const join = joins[behaviour];
  return (text) => withoutEmpty(join(segmentsOf(text, find(text), invert)));
}

interface Segment {
  begin: number;
  end: number;
  readonly found: boolean;
}

/** What was found and what stands between, in order. */
function segmentsOf(text: string, places: readonly number[], invert: boolean): Segment[] {
  const segments: Segment[] = [];
  let last = 0;
  for (let i = 0; i < places.length; i += 2) {
    const [begin, end] = [places[i] as number, places[i + 1] as number];
    if (last !== begin) segments.push({ begin: last, end: begin, found: invert });
    segments.push({ begin, end, found: !invert });
    last = end;
  }
  if (last !== text.length) segments.push({ begin: last, end: text.length, found: invert });
  return segments;
}

/** Both, each by itself. */
function everything(text: string, places: readonly number[]): number[] {
  const cuts: number[] = [];
  let last = 0;
  for (let i = 0; i < places.length; i += 2) {
    const [begin, end] = [places[i] as number, places[i + 1] as number];
    if (last !== begin) cuts.push(last, begin);
    if (begin !== end) cuts.push(begin, end);
    last = end;
  }
  if (last !== text.length) cuts.push(last, text.length);
  return cuts;
}

const joins: Record<Exclude<Behaviour, 'Isolated'>, (segments: Segment[]) => Segment[]> = {
  Removed: (segments) => segments.filter(({ found }) => !found),
  Contiguous: (segments) => merged(segments, ({ found }, before) => found === before),
  MergedWithPrevious: (segments) => merged(segments, ({ found }, before) => found && !before),
  MergedWithNext: (segments) => {
    const mirrored = segments.toReversed().map(({ begin, end, found }) => ({ begin: -end, end: -begin, found }));
    const joined = merged(mirrored, ({ found }, before) => found && !before);
    return joined.toReversed().map(({ begin, end, found }) => ({ begin: -end, end: -begin, found }));
  },
};

/** Segments that join the one before them are made one with it; the first one's predecessor counts as not found. */
function merged(segments: readonly Segment[], joins: (segment: Segment, foundBefore: boolean) => boolean): Segment[] {
  const out: Segment[] = [];
  let before = false;
  for (const segment of segments) {
    const last = out.at(-1);
    if (last !== undefined && joins(segment, before)) last.end = segment.end;
    else out.push({ ...segment });
    before = segment.found;
  }
  return out;
}

function withoutEmpty(segments: readonly Segment[]): number[] {
  return segments.filter(({ begin, end }) => begin < end).flatMap(({ begin, end }) => [begin, end]);
}
