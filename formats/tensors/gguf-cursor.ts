// Numbers and texts one after the other from the beginning of a GGUF file, of which only a first part is in memory.
import { UserError } from '../../util/errors.ts';

/** The part in memory ends before what is read; the file goes on. */
export class MoreBytes extends Error {
  /** Bytes from the file's beginning that are needed at least. */
  readonly needed: number;

  constructor(needed: number) {
    super(`${needed} bytes are needed`);
    this.needed = needed;
  }
}

/** Reads what it has, throws MoreBytes for what lies beyond it, and a UserError that begins with `where` for what lies beyond the file. */
export class GgufCursor {
  at = 0;
  /** What is being read, for messages. */
  what = 'its header';
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #sizeBytes: number;
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** `bytes` is the beginning of a file of `sizeBytes`. */
  constructor(bytes: Uint8Array, sizeBytes: number, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
    this.#sizeBytes = sizeBytes;
  }

  number(type: GgufNumber): number {
    const [size, read] = numbers[type];
    return read(this.#view, this.#take(size));
  }

  /** A count of things that take at least `least` bytes each, so that a file of this size can have them. */
  count(least: number, most: number, things: string): number {
    const count = this.number('uint64');
    const rest = this.#sizeBytes - this.at;
    if (count * least > rest) throw this.wrong(`expected ${count} ${things}, got ${rest} bytes for them`);
    if (count > most) throw this.wrong(`expected at most ${most} ${things}, got ${count}`);
    return count;
  }

  /** A length (uint64), then UTF-8. */
  text(): string {
    const length = this.number('uint64');
    const at = this.#take(length);
    try {
      return this.#utf8.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw this.wrong(`expected text in UTF-8 at byte ${at}`);
    }
  }

  /** An error that says what was being read. */
  wrong(sentence: string): UserError {
    return new UserError(`${this.#where}: ${this.what}: ${sentence}`);
  }

  /** Passes `length` bytes and returns where they begin. */
  #take(length: number): number {
    const [at, end] = [this.at, this.at + length];
    if (end > this.#sizeBytes) {
      throw this.wrong(
        `expected ${length} bytes at ${at}, got a file of ${this.#sizeBytes} bytes; copy or download the file again`,
      );
    }
    if (end > this.#bytes.byteLength) throw new MoreBytes(end);
    this.at = end;
    return at;
  }
}

/** The types of numbers in GGUF's metadata. */
export type GgufNumber = keyof typeof numbers;

type Read = (view: DataView, at: number) => number;
/** Bytes, and how they are read; what is beyond 2^53 becomes the nearest number. */
const numbers = {
  uint8: [1, (view, at) => view.getUint8(at)],
  int8: [1, (view, at) => view.getInt8(at)],
  uint16: [2, (view, at) => view.getUint16(at, true)],
  int16: [2, (view, at) => view.getInt16(at, true)],
  uint32: [4, (view, at) => view.getUint32(at, true)],
  int32: [4, (view, at) => view.getInt32(at, true)],
  float32: [4, (view, at) => view.getFloat32(at, true)],
  uint64: [8, (view, at) => Number(view.getBigUint64(at, true))],
  int64: [8, (view, at) => Number(view.getBigInt64(at, true))],
  float64: [8, (view, at) => view.getFloat64(at, true)],
} as const satisfies Record<string, readonly [number, Read]>;

/** Bytes of a number. */
export function ggufNumberBytes(type: GgufNumber): number {
  return numbers[type][0];
}
