// A JSON file that is one array of objects, cut into its elements in a stream, so that its size does not matter.
import { UserError } from '../../util/errors.ts';
import type { RandomFile } from '../files/file.ts';
import { findJsonFault, type TextPlace } from '../text/json-fault.ts';
import { join, readChunks } from '../text/lines.ts';
import { type DataRecord, MAX_RECORD_BYTES, parseRecord, recordTooLong } from '../text/record.ts';
import { decodeText } from '../text/text.ts';

const [TAB, NEWLINE, RETURN, SPACE] = [9, 10, 13, 32];
const [QUOTE, COMMA, BACKSLASH, LESS] = [34, 44, 92, 60];
const [OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [123, 125, 91, 93];

/** The elements of the array; `where` is the line on which a record begins. */
export async function* readJsonArray(file: RandomFile): AsyncGenerator<DataRecord> {
  const splitter = new ArraySplitter(file.path);
  for await (const chunk of readChunks(file)) yield* splitter.push(chunk);
  splitter.end();
}

/** Finds the commas and brackets of the outermost array; what lies between them is JSON.parse's to judge. */
class ArraySplitter {
  private readonly path: string;
  private line = 1;
  private recordLine = 1;
  /** Bytes before the current chunk, and where in the file the current line begins. */
  private base = 0;
  private lineStart = 0;
  /** Where the text of the current element begins. */
  private place: TextPlace = { line: 1, column: 1 };
  /** 0 before the array, 1 in it, 2 and more within a record, -1 after it. */
  private depth = 0;
  private inString = false;
  private escaped = false;
  private parts: Uint8Array[] = [];
  private length = 0;
  /** Elements seen; the first may be absent, as in `[]`. */
  private count = 0;

  constructor(path: string) {
    this.path = path;
  }

  *push(chunk: Uint8Array): Generator<DataRecord> {
    let start = 0; // of the part of this chunk that belongs to the current element
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i] as number;
      if (byte === NEWLINE) this.countLine(i);
      if (this.inString) {
        this.scanString(byte);
      } else if (this.depth > 0) {
        const ends = this.depth === 1 && (byte === COMMA || byte === CLOSE_BRACKET);
        if (ends) {
          this.keep(chunk.subarray(start, i));
          yield* this.element(byte);
          start = this.beginElement(i + 1);
        } else {
          this.scan(byte);
        }
      } else if (!isSpace(byte)) {
        this.begin(byte);
        start = this.beginElement(i + 1);
      }
    }
    if (this.depth > 0) this.keep(chunk.subarray(start));
    this.base += chunk.length;
  }

  private countLine(at: number): void {
    this.line++;
    this.lineStart = this.base + at + 1;
  }

  private beginElement(at: number): number {
    this.place = { line: this.line, column: this.base + at - this.lineStart + 1 };
    return at;
  }

  end(): void {
    if (this.depth === 0) throw new UserError(`data file '${this.path}': expected at least one record, got none`);
    if (this.depth < 0) return;
    const where = `${this.path}:${this.recordLine || this.line}`;
    const rest = decodeText(join(this.parts), where);
    // a quote or a bracket too many swallows what follows it: tell the first fault, not the last consequence
    if (rest.trim() !== '' && findJsonFault(rest)?.reason) parseRecord(rest, where, this.place);
    throw new UserError(`${this.path}:${this.line}: expected ']' at the end of the array, got the end of the file`);
  }

  private begin(byte: number): void {
    const where = `${this.path}:${this.line}`;
    if (this.depth < 0) throw new UserError(`${where}: expected nothing after the array, got more text`);
    if (byte !== OPEN_BRACKET) {
      const hint = byte === LESS ? ', got a page of HTML or XML' : ' or one object per line';
      throw new UserError(`${where}: expected an array of objects${hint}`);
    }
    this.depth = 1;
    this.recordLine = 0;
  }

  private scan(byte: number): void {
    if (this.recordLine === 0 && !isSpace(byte)) this.recordLine = this.line;
    if (byte === QUOTE) this.inString = true;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.depth--;
  }

  private scanString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
  }

  private keep(part: Uint8Array): void {
    this.length += part.byteLength;
    if (this.length > MAX_RECORD_BYTES) throw recordTooLong(`${this.path}:${this.recordLine || this.line}`);
    this.parts.push(part);
  }

  /** The element that ends at a comma or at the array's own bracket. */
  private *element(byte: number): Generator<DataRecord> {
    const where = `${this.path}:${this.recordLine || this.line}`;
    const text = decodeText(join(this.parts), where);
    const blank = text.trim() === '';
    [this.parts, this.length, this.recordLine] = [[], 0, 0];
    const isLast = byte === CLOSE_BRACKET;
    if (isLast) this.depth = -1;
    if (blank && isLast && this.count === 0) return;
    if (blank) throw new UserError(`${where}: expected a JSON object, got nothing (a comma too many)`);
    this.count++;
    yield parseRecord(text, where, this.place);
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === NEWLINE || byte === RETURN || byte === TAB;
}
