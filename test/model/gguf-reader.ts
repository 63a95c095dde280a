// A GGUF file read back after ggml's description of the format (docs/gguf.md), which shares nothing with what writes them.

/** What stands in a file. */
interface GgufFile {
  readonly entries: ReadonlyMap<string, unknown>;
  /** The bytes of each tensor, of F32 alone. */
  readonly tensors: ReadonlyMap<string, Uint8Array>;
}

/** Reads the whole of a file whose tensors are F32. */
export function readGguf(content: Buffer): GgufFile {
  let at = 4;
  const next = <T>(size: number, read: (at: number) => T): T => {
    const value = read(at);
    at += size;
    return value;
  };
  const uint32 = () => next(4, (at) => content.readUInt32LE(at));
  const long = () => Number(next(8, (at) => content.readBigUInt64LE(at)));
  const text = () => {
    const length = long();
    return next(length, (at) => content.toString('utf8', at, at + length));
  };
  const value = (type: number): unknown => {
    if (type === 4) return uint32();
    if (type === 5) return next(4, (at) => content.readInt32LE(at));
    if (type === 6) return next(4, (at) => content.readFloatLE(at));
    if (type === 7) return next(1, (at) => content[at] === 1);
    if (type === 8) return text();
    const [of, count] = [uint32(), long()];
    return Array.from({ length: count }, () => value(of));
  };
  if (uint32() !== 3) throw new Error('expected version 3');
  const [tensorCount, entryCount] = [long(), long()];
  const entries = new Map(Array.from({ length: entryCount }, () => [text(), value(uint32())] as const));
  const places = Array.from({ length: tensorCount }, () => {
    const name = text();
    const size = Array.from({ length: uint32() }, long).reduce((a, b) => a * b, 4);
    if (uint32() !== 0) throw new Error(`expected F32 of '${name}'`);
    return { name, size, offset: long() };
  });
  const start = Math.ceil(at / 32) * 32;
  const bytes = (offset: number, size: number) => content.subarray(start + offset, start + offset + size);
  return { entries, tensors: new Map(places.map(({ name, size, offset }) => [name, bytes(offset, size)])) };
}
