// Gives each note on some of the cells its mark: a letter that stands at their numbers and before the note.
import type { CellResult, RunResult } from '../../contract/result.ts';

/** Letters that Unicode has as superscripts, so that a terminal can show them. */
const letters = 'abcdefghijklmnoprstuvwxyz';
const superscripts = 'ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ';

/** A note on some cells. */
export interface MarkedNote {
  mark: string;
  note: string;
  /** Indexes of the cells that it speaks of. */
  cells: ReadonlySet<number>;
}

/** The notes that speak of any cell of the result, with their marks: a to z without q, then aa. */
export function markNotes(result: Pick<RunResult, 'cells' | 'cell_notes'>): MarkedNote[] {
  const found = result.cell_notes.map(({ where, note }) => {
    const cells = [...result.cells.keys()].filter((i) => isMeant(result.cells[i] as CellResult, where));
    return { note, cells: new Set(cells) };
  });
  return found.filter(({ cells }) => cells.size > 0).map((each, i) => ({ mark: markOf(i), ...each }));
}

/** A mark as superscript text: `ᵃ`. */
export function superscript(mark: string): string {
  return [...mark].map((letter) => [...superscripts][letters.indexOf(letter)] ?? letter).join('');
}

function isMeant(cell: CellResult, where: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(where).every(([axis, values]) => values.includes(cell.axes[axis] ?? ''));
}

function markOf(index: number): string {
  const rest = Math.floor(index / letters.length);
  return `${rest > 0 ? markOf(rest - 1) : ''}${letters[index % letters.length]}`;
}
