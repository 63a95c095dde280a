// How text may be painted; the command line passes colours on a terminal, everything else stays plain.

/** Wraps text in the marks of a meaning; the text's visible width never changes. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
}

const same = (text: string) => text;

/** No colours at all. */
export const plainPaint: Paint = { strong: same, faint: same, good: same, bad: same, warn: same };
