// Bytes that grow: whatever is written stands there, wherever the buffer had to be replaced.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteList } from '../../formats/text/byte-list.ts';

/** One entry: how it is written, and its bytes by Node's own Buffer. */
interface Entry {
  write(list: ByteList): unknown;
  bytes: Buffer;
}

const number = (size: number, write: (bytes: Buffer) => unknown): Buffer => {
  const bytes = Buffer.alloc(size);
  write(bytes);
  return bytes;
};
const textBytes = (text: string) =>
  Buffer.concat([number(8, (b) => b.writeBigUInt64LE(BigInt(Buffer.byteLength(text)))), Buffer.from(text)]);

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.nat(255).map((x) => ({ write: (l: ByteList) => l.uint8(x), bytes: Buffer.of(x) })),
  fc
    .nat(2 ** 32 - 1)
    .map((x) => ({ write: (l: ByteList) => l.uint32(x), bytes: number(4, (b) => b.writeUInt32LE(x)) })),
  fc.integer().map((x) => ({ write: (l: ByteList) => l.int32(x), bytes: number(4, (b) => b.writeInt32LE(x)) })),
  fc
    .nat(Number.MAX_SAFE_INTEGER)
    .map((x) => ({ write: (l: ByteList) => l.uint64(x), bytes: number(8, (b) => b.writeBigUInt64LE(BigInt(x))) })),
  fc
    .float({ noNaN: true })
    .map((x) => ({ write: (l: ByteList) => l.float32(x), bytes: number(4, (b) => b.writeFloatLE(x)) })),
  fc
    .string({ unit: 'grapheme', maxLength: 300 })
    .map((x) => ({ write: (l: ByteList) => l.text(x), bytes: textBytes(x) })),
  fc.uint8Array({ maxLength: 300 }).map((x) => ({ write: (l: ByteList) => l.raw(x), bytes: Buffer.from(x) })),
);

test('everything is there, in order, at whatever size the list began', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 1, max: 64 }), (entries, capacity) => {
      const list = new ByteList(capacity);
      for (const { write } of entries) write(list);
      expect(Buffer.from(list.joined())).toEqual(Buffer.concat(entries.map(({ bytes }) => bytes)));
    }),
    { numRuns: 300 },
  );
});
