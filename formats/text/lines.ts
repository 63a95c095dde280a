// A file's bytes in pieces, and its lines.
import { openFile, type RandomFile } from '../files/file.ts';
import { MAX_RECORD_BYTES, recordTooLong } from './record.ts';
import { decodeText } from './text.ts';

const CHUNK_BYTES = 2 ** 20;
/** Our own lines hold a record each, whose text escapes may have made six times longer. */
const MAX_OWN_LINE_BYTES = 8 * MAX_RECORD_BYTES;
const NEWLINE = 10;

/** The bytes of `file` from the first to the last, a UTF-8 byte order mark left out; each piece is a buffer of its own. */
export async function* readChunks(file: RandomFile): AsyncGenerator<Uint8Array> {
  const mark = await file.read(0, Math.min(3, file.sizeBytes));
  const start = mark[0] === 0xef && mark[1] === 0xbb && mark[2] === 0xbf ? 3 : 0;
  for (let at = start; at < file.sizeBytes; at += CHUNK_BYTES) {
    yield await file.read(at, Math.min(CHUNK_BYTES, file.sizeBytes - at));
  }
}

/**
 * The lines of the UTF-8 file `path`, a file of records of our own; a line ends with `\n` or `\r\n` and nothing else: U+2028 and its like
 * are text (Node's readline splits at them from release 24 on). `what` names the file's kind in messages.
 */
export async function* readTextLines(path: string, what: string): AsyncGenerator<{ text: string; line: number }> {
  const file = await openFile(path, what);
  try {
    for await (const { bytes, line } of readLines(file, MAX_OWN_LINE_BYTES)) {
      yield { text: decodeText(bytes, `${path}:${line}`).replace(/\r$/, ''), line };
    }
  } finally {
    await file.close();
  }
}

/** The lines of `file` without their `\n`, each as bytes, of at most `most`, with its number from 1. */
export async function* readLines(
  file: RandomFile,
  most = MAX_RECORD_BYTES,
): AsyncGenerator<{ bytes: Uint8Array; line: number }> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let line = 1;
  const keep = (part: Uint8Array) => {
    length += part.byteLength;
    if (length > most) throw recordTooLong(`${file.path}:${line}`, most);
    parts.push(part);
  };
  for await (const chunk of readChunks(file)) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      yield { bytes: join(parts), line };
      [parts, length, start] = [[], 0, end + 1];
      line++;
    }
    keep(chunk.subarray(start));
  }
  if (length > 0) yield { bytes: join(parts), line };
}

/** One buffer of all `parts`; the part itself when it is the only one. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}
