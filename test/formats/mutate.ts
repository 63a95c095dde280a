// Damage for property tests: bytes and JSON that were valid, changed in a few places by somebody who means harm.
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { UserError } from '../../util/errors.ts';

/** Passes when `read` does, or throws a UserError whose message has `name` in it. */
export async function readsOrRefuses(name: string, read: () => unknown): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (!error.message.includes(name)) throw new Error(`the message does not name '${name}': ${error.message}`);
  }
}

/** Makes a pipe that nobody writes into: whoever opens it as a file waits for ever. */
export function makePipe(path: string): void {
  execFileSync('/usr/bin/env', ['mkfifo', path]);
}

const numbers = [0, 1, 2, 7, 8, 255, 2 ** 15, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];

/** `whole` with up to three changes: bytes set, cut out, doubled, or four of them made a number that matters. */
export function damagedBytes(whole: Uint8Array): fc.Arbitrary<Buffer> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.record({ kind: fc.nat(3), at: place, to: place, length: fc.nat(64), byte: fc.nat(255) });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    let bytes = Buffer.from(whole);
    for (const { kind, at, to, length, byte } of changes) {
      const start = Math.floor(at * bytes.length);
      const [before, after] = [bytes.subarray(0, start), bytes.subarray(start)];
      if (kind === 0 && bytes.length > 0) bytes[start] = byte;
      else if (kind === 1) bytes = Buffer.concat([before, after.subarray(length)]);
      else if (kind === 2)
        bytes = Buffer.concat([before, bytes.subarray(Math.floor(to * bytes.length)).subarray(0, length), after]);
      else if (bytes.length >= start + 4)
        bytes.writeUInt32LE(numbers[Math.floor(to * numbers.length)] as number, start);
    }
    return bytes;
  });
}

const values: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, -0, 1e308, 2 ** 31, 2 ** 53, '', 'x', '../x', '/etc/passwd', '\ud800', '\u0000'],
  ...['__proto__', 'constructor', 'toString', 'a'.repeat(9000), [], {}, [[]], [null], { a: 1 }, Array(3000).fill(0)],
];
const keys = ['__proto__', 'constructor', 'toString', 'other'];

type Node = Record<string, unknown>;

/** The text of `json` with up to three nodes removed, replaced, copied over one another, or renamed. */
export function damagedJson(json: unknown): fc.Arbitrary<string> {
  const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.record({ kind: fc.nat(3), at: place, to: place });
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    const root: Node = { json: structuredClone(json) };
    for (const { kind, at, to } of changes) {
      const places = placesIn(root);
      const found = places[Math.floor(at * places.length)];
      if (found === undefined) continue;
      const { parent, key } = found;
      const other = places[Math.floor(to * places.length)];
      if (kind === 0) delete parent[key];
      else if (kind === 1) parent[key] = structuredClone(values[Math.floor(to * values.length)]);
      else if (kind === 2) parent[key] = structuredClone(other?.parent[other.key]);
      else rename(parent, key, keys[Math.floor(to * keys.length)] as string);
    }
    return JSON.stringify(root.json) ?? '';
  });
}

function rename(parent: Node, key: string, name: string): void {
  const value = parent[key];
  if (Array.isArray(parent)) return;
  delete parent[key];
  Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Every value within `node`, but only the first and last few of a long list. */
function placesIn(node: unknown): { parent: Node; key: string }[] {
  if (typeof node !== 'object' || node === null) return [];
  const all = Object.keys(node);
  const some = all.length > 40 ? [...all.slice(0, 20), ...all.slice(-20)] : all;
  return some.flatMap((key) => [{ parent: node as Node, key }, ...placesIn((node as Node)[key])]);
}
