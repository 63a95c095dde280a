// Which frozen values SLW needs of each row, and where they are kept from epoch to epoch. Planning reads this too: no numeric library.
import type { MatrixRole } from '../architecture/roles.ts';
import { takesKnown } from '../methods/known.ts';

/**
 * Of a row x: `gate` and `up`, what the target's own matrices make of x; `output`, what its MLP does; `shared_gate` and `shared_up`, the
 * reference's products with x; `shared_down`, that of the reference with the hidden activations of the target's own MLP.
 */
export type FrozenName = 'gate' | 'up' | 'output' | 'shared_gate' | 'shared_up' | 'shared_down';

/** A value of each row: `width` floats. */
export interface FrozenColumn {
  readonly name: FrozenName;
  readonly width: number;
}

/** What a fit is, as far as its frozen values go. */
export interface SlwForm {
  readonly candidate: string;
  readonly granularity: 'mlp' | 'projection';
}

interface Widths {
  readonly hidden_size: number;
  readonly intermediate_size: number;
}

/** The columns that a fit reads in every step, first those of which a byte saves the most work. */
export function frozenColumns(
  { candidate, granularity }: SlwForm,
  { hidden_size, intermediate_size }: Widths,
): FrozenColumn[] {
  const taken = (role: MatrixRole, name: FrozenName): FrozenName[] => (takesKnown(candidate, role) ? [name] : []);
  const shared = [...taken('gate', 'shared_gate'), ...taken('up', 'shared_up')];
  const names: FrozenName[] =
    granularity === 'mlp'
      ? ['output', ...shared]
      : ['output', ...taken('down', 'shared_down'), 'gate', 'up', ...shared];
  const isNarrow = (name: FrozenName) => name === 'output' || name === 'shared_down';
  return names.map((name) => ({ name, width: isNarrow(name) ? hidden_size : intermediate_size }));
}

/** How many bytes of frozen values are kept: in memory, and in files of the unit's scratch folder. */
export interface KeptLimits {
  readonly memory_bytes: number;
  readonly scratch_bytes: number;
}

/** Bytes of x that are held at once; more rows than that come in windows, and are shuffled within them. */
export const windowBytes = 2 ** 29;

/** The limits where nobody says others: as much memory as a window of x takes, and 32 GiB of files. */
export const keptLimits: KeptLimits = { memory_bytes: windowBytes, scratch_bytes: 2 ** 35 };

export type KeptPlace = 'memory' | 'scratch' | 'nowhere';

/** Where each column of `rows` rows is kept; what fits nowhere is computed in every step. */
export function placesOf<C extends Pick<FrozenColumn, 'width'>>(
  columns: readonly C[],
  rows: number,
  limits: KeptLimits,
): (C & { readonly place: KeptPlace })[] {
  const left = { memory: limits.memory_bytes, scratch: limits.scratch_bytes };
  return columns.map((column) => {
    const bytes = 4 * rows * column.width;
    const place = (['memory', 'scratch'] as const).find((each) => bytes <= left[each]);
    if (place !== undefined) left[place] -= bytes;
    return { ...column, place: place ?? 'nowhere' };
  });
}
