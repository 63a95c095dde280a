// One header of a tar archive: POSIX ustar, with pax records for names and sizes that do not fit.
import { UserError } from '../../util/errors.ts';

export const block_bytes = 512;
/** The largest size that eleven octal digits hold. */
const largestSize = 8 ** 11 - 1;
/** Same files, same bytes: nobody's time, 1980-01-01 as archives without a clock have it. */
const mtime_s = 315_532_800;

/** What a header says. `type` is ustar's letter: `0` a file, `5` a folder, `x` and `g` pax records, `L` GNU's long name. */
export interface TarHeader {
  path: string;
  size: number;
  type: string;
}

/** The headers of a file's entry, whole blocks. */
export function fileHeader(path: string, size: number): Buffer {
  const parts = fitted(path);
  if (parts !== undefined && size <= largestSize) return header(parts, size, '0');
  const records = paxRecord('path', path) + (size > largestSize ? paxRecord('size', String(size)) : '');
  const text = Buffer.from(records);
  const head = header({ prefix: '', name: 'pax' }, text.length, 'x');
  return Buffer.concat([head, padded(text), header({ prefix: '', name: 'file' }, Math.min(size, largestSize), '0')]);
}

/** Bytes up to the next block. */
export function padding(size: number): Buffer {
  return Buffer.alloc((block_bytes - (size % block_bytes)) % block_bytes);
}

/** Reads a block; undefined for the zeros at an end. Throws UserError, with `where` it was found. */
export function parseHeader(block: Uint8Array, where: string): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
  if (checksum(bytes) !== octal(bytes, 148, 8)) throw new UserError(`${where}: expected a header of a tar archive`);
  const type = String.fromCharCode(bytes[156] as number).replace('\0', '0');
  const size = octal(bytes, 124, 12);
  if (size === undefined) throw new UserError(`${where}: expected the size of a file in octal digits`);
  const isUstar = bytes.toString('latin1', 257, 262) === 'ustar';
  const prefix = isUstar && bytes[262] === 0 ? textAt(bytes, 345, 155, where) : ''; // GNU's own form has other things there
  const name = textAt(bytes, 0, 100, where);
  return { path: prefix === '' ? name : `${prefix}/${name}`, size, type };
}

/** The records of a pax header. Throws UserError. */
export function parsePax(bytes: Uint8Array, where: string): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length; ) {
    const head = /^(\d{1,8}) /.exec(Buffer.from(bytes.subarray(at, at + 9)).toString('latin1'))?.[1];
    const length = Number(head);
    const record = head === undefined ? undefined : bytes.subarray(at + head.length + 1, at + length);
    const split = record?.indexOf(0x3d) ?? -1;
    const isWhole = record !== undefined && at + length <= bytes.length && record.at(-1) === 0x0a;
    if (!isWhole || split <= 0) throw new UserError(`${where}: expected pax records ('LENGTH KEY=VALUE')`);
    records.set(utf8(record.subarray(0, split), where), utf8(record.subarray(split + 1, -1), where));
    at += length;
  }
  return records;
}

/** UTF-8, up to the first zero. Throws UserError. */
export function utf8(bytes: Uint8Array, where: string): string {
  const end = bytes.indexOf(0);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(end < 0 ? bytes : bytes.subarray(0, end));
  } catch (error) {
    throw new UserError(`${where}: expected a name in UTF-8`, { cause: error });
  }
}

/** A path in the two fields that a header has for it; undefined where it does not fit, or is not plain. */
function fitted(path: string): { prefix: string; name: string } | undefined {
  if (!/^[\x20-\x7e]+$/.test(path)) return undefined;
  if (path.length <= 100) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at > 0 && at <= 155; at = path.indexOf('/', at + 1)) {
    const name = path.slice(at + 1);
    if (name.length > 0 && name.length <= 100) return { prefix: path.slice(0, at), name };
  }
  return undefined;
}

function header({ prefix, name }: { prefix: string; name: string }, size: number, type: string): Buffer {
  const bytes = Buffer.alloc(block_bytes);
  const digits = (value: number, length: number) => value.toString(8).padStart(length - 1, '0');
  bytes.write(name, 0, 'latin1');
  bytes.write(digits(0o644, 8), 100, 'latin1');
  bytes.write(digits(0, 8), 108, 'latin1');
  bytes.write(digits(0, 8), 116, 'latin1');
  bytes.write(digits(size, 12), 124, 'latin1');
  bytes.write(digits(mtime_s, 12), 136, 'latin1');
  bytes.write(type, 156, 'latin1');
  bytes.write('ustar\x0000', 257, 'latin1');
  bytes.write(prefix, 345, 'latin1');
  bytes.write(`${digits(checksum(bytes), 7)}\0 `, 148, 'latin1');
  return bytes;
}

/** The sum of all bytes, with spaces in the place of the sum. */
function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0);
}

/** `LENGTH KEY=VALUE\n`, whose length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  if (String(length).length > String(rest).length) length++;
  return `${length} ${key}=${value}\n`;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, padding(bytes.length)]);
}

function octal(bytes: Buffer, from: number, length: number): number | undefined {
  const digits = /^ *([0-7]{1,12})[ \0]*$/.exec(bytes.toString('latin1', from, from + length))?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

function textAt(bytes: Buffer, from: number, length: number, where: string): string {
  return utf8(bytes.subarray(from, from + length), where);
}
