// A SentencePiece vocabulary of BPE as a tokenizer.json: its merges are worked out, since it has scores alone (transformers' SpmConverter).
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { addedTokens, type Mark, type Piece, surrounding, tokenKinds } from './made-json.ts';

/** What is said of a vocabulary beside its pieces. */
export interface SentencePieceSettings {
  /** A space is put before a text, and before what follows a special token. */
  readonly prefix: boolean;
  /** Only before the whole text, as newer files ask for (`legacy: false`). Default: false. */
  readonly prefixOnce?: boolean;
  /** Spaces at the ends are dropped, and several in a row are one. Default: false. */
  readonly squeeze?: boolean;
  /** SentencePiece's table of replacements; none by default. */
  readonly charsmap?: Uint8Array | undefined;
  /** What the vocabulary lacks becomes bytes, where it has them. */
  readonly byteFallback: boolean;
  readonly unknown: Mark | undefined;
  readonly bos: Mark | undefined;
  readonly eos: Mark | undefined;
  /** Ids of more tokens that are special, whatever their kind. */
  readonly special: ReadonlySet<number>;
}

const mark = '▁';

/** The text of a tokenizer.json; `where` begins the UserError for pieces that cannot be a vocabulary. */
export function sentencePieceJson(pieces: readonly Piece[], settings: SentencePieceSettings, where: string): string {
  const { prefix, prefixOnce = false, byteFallback, unknown, bos, eos, special } = settings;
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(pieces, special),
    normalizer: { type: 'Sequence', normalizers: normalizersOf(settings) },
    pre_tokenizer:
      prefix && prefixOnce ? { type: 'Metaspace', replacement: mark, prepend_scheme: 'first', split: false } : null,
    post_processor: surrounding(bos, eos),
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: mark }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown?.text ?? null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: byteFallback,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabularyOf(pieces, where)),
      merges: mergesOf(pieces),
    },
  });
}

/** In SentencePiece's order. */
function normalizersOf({ charsmap, squeeze, prefix, prefixOnce }: SentencePieceSettings): Record<string, unknown>[] {
  const replace = (pattern: Record<string, string>, content: string) => ({ type: 'Replace', pattern, content });
  return [
    ...(charsmap === undefined || charsmap.byteLength === 0
      ? []
      : [{ type: 'Precompiled', precompiled_charsmap: Buffer.from(charsmap).toString('base64') }]),
    ...(squeeze ? [replace({ Regex: String.raw`\A +| +\z` }, ''), replace({ Regex: ' {2,}' }, ' ')] : []),
    ...(prefix && !prefixOnce ? [{ type: 'Prepend', prepend: mark }] : []),
    replace({ String: ' ' }, mark),
  ];
}

/** Ids by text; a text that stands twice would make two tokens one. */
export function vocabularyOf(pieces: readonly Piece[], where: string): Map<string, number> {
  const vocabulary = new Map<string, number>();
  for (const [id, { text }] of pieces.entries()) {
    const before = vocabulary.get(text);
    if (before !== undefined) {
      throw new UserError(`${where}: the token ${shown(text)} stands twice, with the ids ${before} and ${id}`);
    }
    vocabulary.set(text, id);
  }
  return vocabulary;
}

/**
 * SentencePiece merges the two neighbours that make the piece of the highest score. Every way to make a piece of two others is a merge, those of
 * pieces of a higher score first, of equal ones those of a lower id, and the shorter left half first.
 */
function mergesOf(pieces: readonly Piece[]): [string, string][] {
  const normal = [...pieces.entries()].filter(([, { kind }]) => kind === tokenKinds.normal);
  const texts = new Set(normal.map(([, { text }]) => text));
  normal.sort(([a, { score: x }], [b, { score: y }]) => y - x || a - b);
  return normal.flatMap(([, { text }]) =>
    halvesOf(text).filter(([left, right]) => texts.has(left) && texts.has(right)),
  );
}

/** Every cut between two characters. */
function halvesOf(text: string): [string, string][] {
  const halves: [string, string][] = [];
  let at = 0;
  for (const character of text) {
    if (at > 0) halves.push([text.slice(0, at), text.slice(at)]);
    at += character.length;
  }
  return halves;
}
