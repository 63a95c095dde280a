// SentencePiece's own file, `tokenizer.model`: protobuf, of which the fields that count are read (sentencepiece_model.proto).
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { UserError } from '../../util/errors.ts';
import { type Mark, type Piece, tokenKinds } from './made-json.ts';
import { sentencePieceJson } from './sentencepiece.ts';

/** What tokenizer_config.json says beside it. */
export interface SentencePieceOptions {
  /** Whether a text begins with the begin token. Default: true, where there is one, as in transformers' Llama. */
  readonly addBos?: boolean;
  /** Whether it ends with the end token. Default: false. */
  readonly addEos?: boolean;
  /** False: a space is put before a text alone, and not behind special tokens. Default: true. */
  readonly legacy?: boolean;
}

interface Model {
  readonly pieces: Piece[];
  /** TrainerSpec: 1 is Unigram, 2 is BPE. */
  type: number;
  byteFallback: boolean;
  suffix: boolean;
  bosId: number;
  eosId: number;
  charsmap: Uint8Array;
  prefix: boolean;
  squeeze: boolean;
  escape: boolean;
}

const mostPieces = 2 ** 24;
const bpe = 2;
const modelTypes: Readonly<Record<number, string>> = { 1: 'Unigram', 3: 'words', 4: 'characters' };
const convert =
  "convert it with transformers (AutoTokenizer.from_pretrained('FOLDER').save_pretrained('OTHER')) and put its tokenizer.json beside the model";

/** The text of a tokenizer.json for the bytes of a tokenizer.model; `source` names it in the UserError for what is none, or is not BPE. */
export function sentencePieceModelJson(
  bytes: Uint8Array,
  source: string,
  { addBos = true, addEos = false, legacy = true }: SentencePieceOptions = {},
): { json: string; bos: string | null; eos: string | null; unk: string | null } {
  const where = `tokenizer '${source}'`;
  const model = readModel(bytes, where);
  if (model.type !== bpe) {
    throw new UserError(
      `${where}: expected a SentencePiece model of BPE, got ${modelTypes[model.type] ?? model.type}; ${convert}`,
    );
  }
  if (model.suffix || !model.escape) {
    throw new UserError(`${where}: spaces are ${model.suffix ? 'behind words' : 'not marked'} in it; ${convert}`);
  }
  const { pieces } = model;
  const at = (id: number): Mark | undefined => {
    const piece = pieces[id];
    return piece?.kind === tokenKinds.control ? { id, text: piece.text } : undefined;
  };
  const unknownId = pieces.findIndex(({ kind }) => kind === tokenKinds.unknown);
  const unknown = unknownId < 0 ? undefined : { id: unknownId, text: (pieces[unknownId] as Piece).text };
  const [bos, eos] = [at(model.bosId), at(model.eosId)];
  const json = sentencePieceJson(
    pieces,
    {
      ...{ prefix: model.prefix, prefixOnce: !legacy, squeeze: model.squeeze, charsmap: model.charsmap },
      ...{ byteFallback: model.byteFallback, unknown, special: new Set<number>() },
      ...{ bos: addBos ? bos : undefined, eos: addEos ? eos : undefined },
    },
    where,
  );
  return { json, bos: bos?.text ?? null, eos: eos?.text ?? null, unk: unknown?.text ?? null };
}

/** The protobuf's own defaults for what a file leaves out. */
function readModel(bytes: Uint8Array, where: string): Model {
  const model: Model = {
    ...{ pieces: [], type: 1, byteFallback: false, suffix: false, bosId: 1, eosId: 2 },
    ...{ charsmap: new Uint8Array(), prefix: true, squeeze: true, escape: true },
  };
  try {
    eachField(bytes, (field, wire, reader) => {
      if (wire !== WireType.LengthDelimited) return false;
      if (field === 1) addPiece(model, reader.bytes());
      else if (field === 2) readTrainer(model, reader.bytes());
      else if (field === 3) readNormalizer(model, reader.bytes());
      else return false;
      return true;
    });
  } catch {
    throw notOne(where, bytes);
  }
  if (model.pieces.length === 0) throw notOne(where, bytes);
  if (model.pieces.length > mostPieces) {
    throw new UserError(`${where}: expected at most ${mostPieces} tokens, got ${model.pieces.length}`);
  }
  return model;
}

/** Llama 3's own file has this name, too, and holds lines of base64 and ranks. */
function notOne(where: string, bytes: Uint8Array): UserError {
  const begin = new TextDecoder().decode(bytes.subarray(0, 100));
  const other = /^[A-Za-z0-9+/]+=* \d+\n/.test(begin) ? ", got tiktoken's list of tokens" : '';
  return new UserError(
    `${where}: expected a SentencePiece model${other}; take the model's tokenizer.json, or ${convert}`,
  );
}

function addPiece(model: Model, bytes: Uint8Array): void {
  let [text, score, kind] = ['', 0, tokenKinds.normal as number];
  eachField(bytes, (field, wire, reader) => {
    if (field === 1 && wire === WireType.LengthDelimited) text = reader.string();
    else if (field === 2 && wire === WireType.Bit32) score = reader.float();
    else if (field === 3 && wire === WireType.Varint) kind = reader.uint32();
    else return false;
    return true;
  });
  model.pieces.push({ text, score, kind });
}

function readTrainer(model: Model, bytes: Uint8Array): void {
  eachField(bytes, (field, wire, reader) => {
    if (wire !== WireType.Varint) return false;
    if (field === 3) model.type = reader.uint32();
    else if (field === 24) model.suffix = reader.bool();
    else if (field === 35) model.byteFallback = reader.bool();
    else if (field === 41) model.bosId = reader.int32();
    else if (field === 42) model.eosId = reader.int32();
    else return false;
    return true;
  });
}

function readNormalizer(model: Model, bytes: Uint8Array): void {
  eachField(bytes, (field, wire, reader) => {
    if (field === 2 && wire === WireType.LengthDelimited) model.charsmap = reader.bytes();
    else if (field === 3 && wire === WireType.Varint) model.prefix = reader.bool();
    else if (field === 4 && wire === WireType.Varint) model.squeeze = reader.bool();
    else if (field === 5 && wire === WireType.Varint) model.escape = reader.bool();
    else return false;
    return true;
  });
}

/** Calls `read` for each field of a message; what it does not read (false) is passed over. */
function eachField(bytes: Uint8Array, read: (field: number, wire: WireType, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (!read(field, wire, reader)) reader.skip(wire, field);
  }
}
