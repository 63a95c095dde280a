// All steps of a tokenizer.json, one after the other: text to tokens and back.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { type AddedToken, TokenFinder } from './added-tokens.ts';
import { type Decode, readDecoder } from './decoders.ts';
import { type TokenModel, tokensById } from './model.ts';
import { readModel } from './models.ts';
import { readNormalizer } from './normalizers.ts';
import { Options } from './options.ts';
import type { Part, Rewrite } from './part.ts';
import { readPostProcessor } from './post-processors.ts';
import { applySteps, type PreStep, readPreTokenizer } from './pre-tokenizers.ts';

/** The steps of a tokenizer, ready to be used. */
export interface Pipeline {
  encode(text: string, addSpecialTokens: boolean): number[];
  decode(ids: readonly number[], skipSpecialTokens: boolean): string;
  /** The id of a token by its text: an added token's before the model's. */
  idOf(token: string): number | undefined;
  readonly largestId: number;
}

/** Reads the steps of `json`; anything that lamina cannot do as Python's `tokenizers` is a UserError that begins with `where`. */
export function readPipeline(where: string, json: Record<string, unknown>, added: readonly AddedToken[]): Pipeline {
  const step = <T>(name: string, read: (step: Options) => T): T | undefined =>
    json[name] === undefined || json[name] === null ? undefined : read(new Options(`${where}: ${name}`, json[name]));
  const normalizer = step('normalizer', readNormalizer);
  const model = readModel(new Options(`${where}: model`, json.model));
  const tokens = placeAdded(where, model, added);
  const encoder = new Encoder(
    where,
    { model, normalizer, steps: step('pre_tokenizer', readPreTokenizer) ?? [] },
    tokens,
  );
  const surround = step('post_processor', readPostProcessor) ?? ((lists) => [...lists]);
  const byId = decoderTable(where, model, tokens, normalizer);
  const decode = step('decoder', readDecoder) ?? ((texts) => [texts.join(' ')]);
  const special = new Set(added.filter((token) => token.special).map(({ content }) => content));
  const addedIds = new Map(tokens.map(({ content, id }) => [content, id]));
  return {
    encode: (text, addSpecialTokens) => flattened(surround([encoder.encode(text.toWellFormed())], addSpecialTokens)),
    decode: (ids, skip) => textOf(ids, byId, decode, skip ? special : new Set()),
    idOf: (token) => addedIds.get(token) ?? model.vocabulary.get(token),
    largestId: [...byId.keys()].reduce((largest, id) => Math.max(largest, id), 0),
  };
}

/**
 * The added tokens with the ids that Python gives them: the model's for a token that it has, otherwise the next free one. A file
 * that says another is refused, because nobody could know which one the weights were trained with. The last of one text counts.
 */
function placeAdded(where: string, { vocabulary }: TokenModel, added: readonly AddedToken[]): AddedToken[] {
  const placed = new Map<string, AddedToken>();
  let next = vocabulary.size;
  for (const token of added) {
    const known = placed.get(token.content)?.id ?? vocabulary.get(token.content);
    const id = known ?? next++;
    if (id !== token.id) {
      const reason = known === undefined ? 'the next free one' : 'its place in the vocabulary';
      throw new UserError(
        `${where}: the added token ${shown(token.content)} has the id ${token.id}, expected ${id}, ${reason}`,
      );
    }
    placed.set(token.content, token);
  }
  return [...placed.values()];
}

interface Parts {
  readonly model: TokenModel;
  readonly normalizer: Rewrite | undefined;
  readonly steps: readonly PreStep[];
}

/** A part of a text that is longer is not kept: it will hardly come again. */
const longestKept = 256;
const mostKept = 2 ** 16;

class Encoder {
  readonly #parts: Parts;
  readonly #plain: TokenFinder;
  readonly #normalized: TokenFinder;
  /** Cuts, and what is rewritten between them. */
  readonly #cuts: readonly PreStep[];
  /** What is rewritten behind the last cut, which is done for new parts only. */
  readonly #spell: Rewrite;
  readonly #known = new Map<string, readonly number[]>();

  constructor(where: string, parts: Parts, tokens: readonly AddedToken[]) {
    this.#parts = parts;
    const spelling = ({ content }: AddedToken) => parts.normalizer?.({ text: content, head: 0 }).text ?? content;
    this.#plain = new TokenFinder(
      where,
      tokens.filter((token) => !token.normalized),
      ({ content }) => content,
    );
    this.#normalized = new TokenFinder(
      where,
      tokens.filter((token) => token.normalized),
      spelling,
    );
    const last = parts.steps.at(-1);
    const spells = last !== undefined && 'rewrite' in last;
    this.#cuts = spells ? parts.steps.slice(0, -1) : parts.steps;
    this.#spell = spells ? last.rewrite : (part) => part;
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    const first = text.codePointAt(0);
    const head = first === undefined ? 0 : first > 0xffff ? 2 : 1;
    for (const { part, id } of this.#plain.find({ text, head })) {
      if (id !== undefined) ids.push(id);
      else if (part.text !== '') this.#addNormalized(part, ids);
    }
    return ids;
  }

  #addNormalized(part: Part, ids: number[]): void {
    const normalized = this.#parts.normalizer?.(part) ?? part;
    for (const found of this.#normalized.find(normalized)) {
      if (found.id !== undefined) ids.push(found.id);
      else if (found.part.text !== '') this.#addPart(found.part, ids);
    }
  }

  #addPart(part: Part, ids: number[]): void {
    for (const piece of applySteps(this.#cuts, [part])) {
      for (const id of this.#idsOf(piece)) ids.push(id);
    }
  }

  #idsOf(piece: Part): readonly number[] {
    const { text, head } = piece;
    const known = head === 0 ? this.#known.get(text) : undefined; // a head may be spelled otherwise
    if (known !== undefined) return known;
    const spelled = this.#spell(piece).text;
    const ids = spelled === '' ? [] : this.#parts.model.encode(spelled);
    if (head === 0 && text.length <= longestKept) this.#keep(text, ids);
    return ids;
  }

  #keep(text: string, ids: readonly number[]): void {
    if (this.#known.size >= mostKept) this.#known.clear();
    this.#known.set(ownCopy(text), ids);
  }
}

/** A part of a text is a view that keeps the whole text in memory (V8, from 13 characters on). */
function ownCopy(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'utf16le').toString('utf16le');
}

function flattened(lists: readonly (readonly number[])[]): number[] {
  return lists.length === 1 ? [...(lists[0] as readonly number[])] : lists.flatMap((list) => [...list]);
}

/** The text of each id; an added token that is normalized on its way in has its normalized form, which the decoder undoes. */
function decoderTable(
  where: string,
  { vocabulary }: TokenModel,
  added: readonly AddedToken[],
  normalizer: Rewrite | undefined,
): Map<number, string> {
  const texts = tokensById(where, vocabulary);
  for (const { id, content, normalized } of added) {
    texts.set(id, normalized ? (normalizer?.({ text: content, head: 0 }).text ?? content) : content);
  }
  return texts;
}

/** Ids that stand for nothing are left out. */
function textOf(
  ids: readonly number[],
  byId: ReadonlyMap<number, string>,
  decode: Decode,
  skipped: ReadonlySet<string>,
): string {
  const tokens = ids.map((id) => byId.get(id)).filter((token) => token !== undefined && !skipped.has(token));
  return decode(tokens as string[]).join('');
}
