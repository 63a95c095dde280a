// Mistakes in specs and flags, as data with a place, and the text that shows them under their line.
import { UserError } from '../util/errors.ts';
import type { Span } from './located.ts';
import { lineText, place } from './located.ts';

/** One mistake. Line and column start at 1; line 0 means a command-line flag (`file` is then `--set`). */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  /** How many characters are underlined, at least 1. */
  length: number;
  message: string;
  /** The offending line; for a flag, its value. */
  text: string;
  /** Other places that explain it: `first given here`. */
  related?: readonly Related[];
}

export interface Related {
  file: string;
  line: number;
  column: number;
  message: string;
}

const mostShown = 50;

/** All mistakes of a spec at once; the message is what a user should see. */
export class SpecErrors extends UserError {
  override readonly name = 'SpecErrors';
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    super(renderDiagnostics(diagnostics));
    this.diagnostics = diagnostics;
  }
}

/** Collects mistakes; the same mistake found twice (by two cells, in two profiles) is kept once. */
export class Problems {
  readonly #found = new Map<string, Diagnostic>();
  #count = 0;

  add(span: Span, message: string, related: readonly { span: Span; message: string }[] = []): void {
    const origin = place(span);
    const text = lineText(span);
    const length = Math.max(1, Math.min(span.end - span.start, text.length - origin.column + 1));
    const others = related.map((other) => ({ ...place(other.span), message: other.message }));
    const id = `${origin.file}:${origin.line}:${origin.column} ${origin.line === 0 ? text : ''} ${message}`;
    this.#count++;
    if (this.#found.has(id)) return;
    this.#found.set(id, { ...origin, length, message, text, ...(others.length === 0 ? {} : { related: others }) });
  }

  /** How often something was reported, the same mistake too: who compares two counts sees whether something went wrong in between. */
  get count(): number {
    return this.#count;
  }

  /** By file (in the order in which files were found wanting), line and column. */
  list(): Diagnostic[] {
    const all = joined([...this.#found.values()]);
    const files = [...new Set(all.map((d) => d.file))];
    return all.sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
  }
}

const ofStage = /^stage ('[^']+')(: .*)$/s;

/** What several stages say alike of one place is one mistake: `stages 'data' and 'evaluation': ...`. */
function joined(all: readonly Diagnostic[]): Diagnostic[] {
  const groups = new Map<string, { first: Diagnostic; stages: string[] }>();
  for (const each of all) {
    const [, stage, rest] = ofStage.exec(each.message) ?? [];
    const id = JSON.stringify([each.file, each.line, each.column, each.text, rest ?? each.message]);
    const known = groups.get(id);
    if (known === undefined) groups.set(id, { first: each, stages: stage === undefined ? [] : [stage] });
    else if (stage !== undefined) known.stages.push(stage);
  }
  return [...groups.values()].map(({ first, stages }) => {
    if (stages.length < 2) return first;
    const names = `${stages.slice(0, -1).join(', ')} and ${stages.at(-1)}`;
    return { ...first, message: first.message.replace(ofStage, (_, __, rest) => `stages ${names}${rest}`) };
  });
}

function renderDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const shown = diagnostics.slice(0, mostShown).map((diagnostic) => renderDiagnostic(diagnostic));
  if (diagnostics.length > mostShown) shown.push(`and ${diagnostics.length - mostShown} more`);
  return shown.join('\n');
}

/** `file:line:column  message`, the line with the mistake underlined, and the related places. No colour. */
export function renderDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, length, message, text, related = [] } = diagnostic;
  const others = related.map((other) => `      ${positionOf(other)}  ${other.message}`);
  if (line === 0) return [`${printable(`${file} ${text}`.trim())}  ${printable(message)}`, ...others].join('\n');
  const window = clip(text, column - 1, length);
  const blank = printable(window.text.slice(0, window.start)).replace(/[^\t]/g, ' ');
  return [
    `${file}:${line}:${column}  ${printable(message)}`,
    `${String(line).padStart(5)} | ${printable(window.text)}`,
    `      | ${blank}${'~'.repeat(Math.max(1, window.length))}`,
    ...others,
  ].join('\n');
}

function positionOf(place: { file: string; line: number; column: number }): string {
  return place.line === 0 ? place.file : `${place.file}:${place.line}:${place.column}`;
}

/** Cuts a long line down to the part around the mistake. */
function clip(text: string, start: number, length: number): { text: string; start: number; length: number } {
  const most = 160;
  if (text.length <= most) return { text, start, length };
  const from = Math.max(0, Math.min(start - 40, text.length - most));
  const cut = text.slice(from, from + most);
  return { text: cut, start: start - from, length: Math.min(length, cut.length - (start - from)) };
}

/** Control characters of a hostile file must not reach the terminal. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '?');
}
