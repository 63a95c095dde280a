// A part of a text on its way to tokens, and how steps rewrite it.

/** `head` is how many of its first code units stem from the very first character of the whole text; one step asks for it. */
export interface Part {
  readonly text: string;
  readonly head: number;
}

export type Rewrite = (part: Part) => Part;

/** A rewriting in which no character's result depends on those after it, so that the head's is the result of the head. */
export function local(rewrite: (text: string) => string): Rewrite {
  return ({ text, head }) => ({ text: rewrite(text), head: head === 0 ? 0 : rewrite(text.slice(0, head)).length });
}

/** The part from `begin` to `end`. */
export function slice({ text, head }: Part, begin: number, end: number): Part {
  return { text: text.slice(begin, end), head: Math.max(0, Math.min(head, end) - begin) };
}

/** `prefix` before a text that has any; what is put there counts as of the first character. */
export function prepend({ text, head }: Part, prefix: string): Part {
  return { text: prefix + text, head: head === 0 ? 0 : head + prefix.length };
}
