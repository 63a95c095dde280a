// The tokenizer of a GGUF file (its keys tokenizer.*) as the files that a model folder would have.
import type { GgufValue } from '../../formats/tensors/gguf-header.ts';
import { addedTokens, type Mark, type Piece, surrounding, tokenKinds } from '../../formats/tokenizer/made-json.ts';
import { sentencePieceJson, vocabularyOf } from '../../formats/tokenizer/sentencepiece.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { type Fields, fieldsOf } from '../architecture/config-fields.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { pretokenizerNamed, pretokenizerNames } from '../export/gguf-pretokenizer.ts';
import type { GgufEnds } from './gguf-config.ts';
import { ggufTemplates } from './gguf-templates.ts';

const prefix = 'tokenizer.ggml.';
const mostTokens = 2 ** 24;
const endKeys = ['eos_token_id', 'eot_token_id', 'eom_token_id'];

/** What the file says of its tokenizer. */
interface Said {
  readonly fields: Fields;
  readonly kind: 'gpt2' | 'llama';
  readonly pieces: readonly Piece[];
  readonly bos: Mark | undefined;
  /** The first of the tokens that end a text. */
  readonly eos: Mark | undefined;
  readonly unknown: Mark | undefined;
  readonly pad: Mark | undefined;
  /** The ids of these, and of all tokens that end a text. */
  readonly special: ReadonlySet<number>;
}

/**
 * The files, and the tokens with a role; `wanted` false leaves out tokenizer.json, which is large. A UserError for a tokenizer that lamina does
 * not have; `warn` is told what the file leaves open.
 */
export function ggufTokenizerFiles(
  metadata: ReadonlyMap<string, GgufValue>,
  source: string,
  { wanted, warn }: { wanted: boolean; warn: (message: string) => void },
): GgufEnds & { files: TokenizerFiles } {
  const fields = fieldsOf(Object.fromEntries(metadata), source);
  const companions = ggufTemplates(fields);
  const model = fields.text(`${prefix}model`) ?? 'none';
  if (model === 'none' || model === 'no_vocab') {
    return { files: { tokenizer_json: null, tokenizer_config_json: null, companions }, bos: null, ends: [] };
  }
  if (model !== 'gpt2' && model !== 'llama') {
    throw new UserError(
      `${source}: 'tokenizer.ggml.model' must be one that lamina reads ('gpt2' for byte-level BPE, 'llama' for SentencePiece's), got ${shown(model)}; take the folder of the model that the file was made of`,
    );
  }
  const said = readSaid(fields, model);
  const marks = marksOf(said, warn);
  const { bos, eos, unknown, pad } = said;
  const ends = [...new Set(endKeys.flatMap((key) => fields.tokenIds(prefix + key).slice(0, 1)))];
  const settings = {
    bos_token: bos?.text ?? null,
    eos_token: eos?.text ?? null,
    ...(unknown && { unk_token: unknown.text }),
    ...(pad && { pad_token: pad.text }),
    clean_up_tokenization_spaces: false,
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
  const generation = {
    ...(bos && { bos_token_id: bos.id }),
    ...(ends.length > 0 && { eos_token_id: ends.length === 1 ? ends[0] : ends }),
    ...(pad && { pad_token_id: pad.id }),
  };
  return {
    files: {
      tokenizer_json: wanted ? jsonOf(said, marks) : null,
      tokenizer_config_json: `${JSON.stringify(settings, undefined, 2)}\n`,
      companions: { ...companions, 'generation_config.json': `${JSON.stringify(generation, undefined, 2)}\n` },
    },
    bos: bos?.id ?? null,
    ends,
  };
}

function readSaid(fields: Fields, kind: Said['kind']): Said {
  const tokens = listOf<string>(fields, 'tokens', 'string');
  const kinds = listOf<number>(fields, 'token_type', 'number', tokens.length);
  const scores = kind === 'llama' ? listOf<number>(fields, 'scores', 'number', tokens.length) : [];
  const pieces = tokens.map((text, id): Piece => {
    // llama.cpp gives a name to a token without text
    return { text: text === '' ? `[EMPTY_${id}]` : text, score: scores[id] ?? 0, kind: kinds[id] ?? tokenKinds.normal };
  });
  // llama.cpp's own where a SentencePiece vocabulary names none
  const usual: Record<string, number> =
    kind === 'llama' ? { bos_token_id: 1, eos_token_id: 2, unknown_token_id: 0 } : {};
  const markOf = (key: string): Mark | undefined => {
    const [id = usual[key]] = fields.tokenIds(prefix + key);
    if (id === undefined) return undefined;
    const piece = pieces[id];
    if (piece !== undefined) return { id, text: piece.text };
    throw new UserError(`${fields.source}: '${prefix}${key}' is ${id}, expected one of ${pieces.length} tokens`);
  };
  const [bos, eos, unknown] = [markOf('bos_token_id'), markOf('eos_token_id'), markOf('unknown_token_id')];
  const pad = markOf('padding_token_id');
  const ends = endKeys.map(markOf);
  const special = new Set([bos, unknown, pad, ...ends].flatMap((mark) => mark?.id ?? []));
  return { fields, kind, pieces, bos, eos, unknown, pad, special };
}

/** A list of the tokenizer; one that must be there has no `otherwise` length. */
function listOf<T>(fields: Fields, key: string, type: 'string' | 'number', length?: number): readonly T[] {
  const value = fields.raw(prefix + key);
  if (value === undefined && key === 'token_type') return [];
  const isList = Array.isArray(value) && value.every((item) => typeof item === type);
  const fits =
    isList && (length === undefined ? value.length > 0 && value.length <= mostTokens : value.length === length);
  if (fits) return value as T[];
  const what = `a list of ${length ?? `1 to ${mostTokens}`} ${type === 'string' ? 'texts' : 'numbers'}`;
  const got = isList ? `one of ${value.length}` : shown(value).slice(0, 60);
  throw new UserError(`${fields.source}: '${prefix}${key}' must be ${what}, got ${got}`);
}

/** Which tokens are put round a text. */
function marksOf({ fields, kind, bos, eos }: Said, warn: (message: string) => void) {
  const name = fields.text(`${prefix}pre`);
  if (kind === 'gpt2' && (name === undefined || name === 'default')) {
    warn(
      "the GGUF file names no pre-tokenizer ('tokenizer.ggml.pre'): llama.cpp's default is taken, which may split texts otherwise than the model was trained with",
    );
  }
  const byName = kind === 'llama' || pretokenizerNamed(name ?? 'default')?.addsBos === true;
  const addsBos = fields.boolean(`${prefix}add_bos_token`, byName && bos !== undefined);
  const addsEos = fields.boolean(`${prefix}add_eos_token`, false);
  return { first: addsBos ? bos : undefined, last: addsEos ? eos : undefined };
}

type Marks = ReturnType<typeof marksOf>;

function jsonOf(said: Said, marks: Marks): string {
  const { fields, kind, pieces, unknown, special } = said;
  if (kind === 'gpt2') return byteLevelJson(said, marks);
  return sentencePieceJson(
    pieces,
    {
      prefix: fields.boolean(`${prefix}add_space_prefix`, true),
      squeeze: fields.boolean(`${prefix}remove_extra_whitespaces`, false),
      byteFallback: pieces.some((piece) => piece.kind === tokenKinds.byte),
      ...{ unknown, special, bos: marks.first, eos: marks.last },
    },
    fields.source,
  );
}

function byteLevelJson({ fields, pieces, special, unknown }: Said, { first, last }: Marks): string {
  const name = fields.text(`${prefix}pre`) ?? 'default';
  const pretokenizer = pretokenizerNamed(name);
  if (pretokenizer === undefined) {
    throw new UserError(
      `${fields.source}: the pre-tokenizer 'tokenizer.ggml.pre' must be one that lamina reads (${pretokenizerNames.join(', ')}), got ${shown(name)}; take the folder of the model that the file was made of`,
    );
  }
  const merges = listOf<string>(
    fields,
    'merges',
    'string',
    (fields.raw(`${prefix}merges`) as unknown[] | undefined)?.length ?? 0,
  );
  // rows of the embedding that no token stands for
  const vocabulary = [...vocabularyOf(pieces, fields.source)].filter(
    ([text, id]) => text !== `[PAD${id}]` || pieces[id]?.kind !== tokenKinds.unused,
  );
  return JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(pieces, special),
    normalizer: null,
    pre_tokenizer: pretokenizer.step,
    post_processor: surrounding(first, last),
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      // a byte that has no token; where one of another kind is named, all bytes have theirs
      unk_token: unknown !== undefined && pieces[unknown.id]?.kind === tokenKinds.unknown ? unknown.text : null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pretokenizer.ignoreMerges,
      vocab: Object.fromEntries(vocabulary),
      merges: merges.map((merge) => mergeOf(merge, fields.source)),
    },
  });
}

/** Two tokens with a space between; a token of spaces may come first. */
function mergeOf(merge: string, source: string): [string, string] {
  const space = merge.indexOf(' ', 1);
  if (space > 0 && space < merge.length - 1) return [merge.slice(0, space), merge.slice(space + 1)];
  throw new UserError(`${source}: '${prefix}merges': expected two tokens with a space between, got ${shown(merge)}`);
}
