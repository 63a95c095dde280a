// The tokenizer.json of a vocabulary that came in another file: what all of them have in common.

/** Kinds of token, by the numbers that SentencePiece and llama.cpp give them. */
export const tokenKinds = { normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6 } as const;

/** One token of a vocabulary whose places are the ids. */
export interface Piece {
  readonly text: string;
  /** Merges that make pieces of a higher score come first. */
  readonly score: number;
  /** A number of {@link tokenKinds}. */
  readonly kind: number;
}

/** Tokens that are found in a text before anything else, with the options that such files leave open. */
export function addedTokens(pieces: readonly Piece[], special: ReadonlySet<number>): Record<string, unknown>[] {
  const kinds: readonly number[] = [tokenKinds.control, tokenKinds.unknown, tokenKinds.user];
  return [...pieces.entries()].flatMap(([id, { text, kind }]) => {
    if (!kinds.includes(kind) && !special.has(id)) return [];
    const options = { single_word: false, lstrip: false, rstrip: false, normalized: false };
    return [{ id, content: text, ...options, special: kind !== tokenKinds.user || special.has(id) }];
  });
}

/** A token with its id. */
export interface Mark {
  readonly id: number;
  readonly text: string;
}

/** Puts `bos` before a text and `eos` behind it. */
export function surrounding(bos: Mark | undefined, eos: Mark | undefined): Record<string, unknown> | null {
  if (bos === undefined && eos === undefined) return null;
  const places = (mark: Mark | undefined, type_id: number) =>
    mark === undefined ? [] : [{ SpecialToken: { id: mark.text, type_id } }];
  const around = (id: string, type_id: number) => [
    ...places(bos, type_id),
    { Sequence: { id, type_id } },
    ...places(eos, type_id),
  ];
  const marks = [bos, eos].filter((mark) => mark !== undefined);
  return {
    type: 'TemplateProcessing',
    single: around('A', 0),
    pair: [...around('A', 0), ...around('B', 1)],
    special_tokens: Object.fromEntries(marks.map(({ id, text }) => [text, { id: text, ids: [id], tokens: [text] }])),
  };
}
