// CSV by RFC 4180: commas, double quotes, a header row; values stay strings. A quoted value may span lines.
import { UserError } from '../../util/errors.ts';
import type { RandomFile } from '../files/file.ts';
import { readLines } from '../text/lines.ts';
import { type DataRecord, MAX_RECORD_BYTES, recordTooLong } from '../text/record.ts';
import { decodeText } from '../text/text.ts';

interface Row {
  values: string[];
  where: string;
}

/** The rows of a CSV file as records keyed by the header; `where` is the line on which a row begins. */
export async function* readCsv(file: RandomFile): AsyncGenerator<DataRecord> {
  let header: string[] | undefined;
  for await (const { values, where } of readRows(file)) {
    if (header === undefined) {
      header = checkHeader(values, where);
    } else {
      yield { value: toRecord(header, values, where), where };
    }
  }
}

function checkHeader(names: string[], where: string): string[] {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw new UserError(`${where}: the column '${name}' appears twice in the header`);
    seen.add(name);
  }
  return names;
}

function toRecord(header: readonly string[], values: readonly string[], where: string): Record<string, unknown> {
  if (values.length !== header.length) {
    throw new UserError(`${where}: expected ${header.length} values as in the header, got ${values.length}`);
  }
  return Object.fromEntries(header.map((name, i) => [name, values[i]]));
}

/** Joins lines while a quote is open, then cuts the row; blank lines between rows are skipped. */
async function* readRows(file: RandomFile): AsyncGenerator<Row> {
  let lines: string[] = [];
  let length = 0;
  let where = '';
  let quotes = 0;
  for await (const { bytes, line } of readLines(file)) {
    if (lines.length === 0) [where, length, quotes] = [`${file.path}:${line}`, 0, 0];
    const text = decodeText(bytes, where);
    if (lines.length === 0 && text.trimEnd() === '') continue;
    lines.push(text);
    length += bytes.byteLength + 1;
    if (length > MAX_RECORD_BYTES) throw recordTooLong(where);
    quotes += countQuotes(text);
    if (quotes % 2 === 1) continue;
    yield { values: splitRow(lines.join('\n').replace(/\r$/, ''), where), where };
    lines = [];
  }
  if (lines.length > 0) throw new UserError(`${where}: a quoted value begins here and never ends`);
}

function countQuotes(text: string): number {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count++;
  return count;
}

/** The values of a row whose quotes are balanced. */
function splitRow(text: string, where: string): string[] {
  const values: string[] = [];
  for (let at = 0; at <= text.length; ) {
    const end = text[at] === '"' ? quotedEnd(text, at) : valueEnd(text, at);
    const value = text.slice(at, end);
    if (end < text.length && text[end] !== ',') {
      throw new UserError(`${where}: expected a comma after the quoted value ${values.length + 1}, got '${text[end]}'`);
    }
    if (value.startsWith('"')) {
      values.push(value.slice(1, -1).replaceAll('""', '"'));
    } else if (value.includes('"')) {
      throw new UserError(
        `${where}: value ${values.length + 1} holds a quote but is not quoted (write "a ""quoted"" word")`,
      );
    } else {
      values.push(value);
    }
    at = end + 1;
  }
  return values;
}

/** The place after the quote that ends the value beginning at `start`; a doubled quote is part of the value. */
function quotedEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  return end < 0 ? text.length : end + 1;
}

function valueEnd(text: string, start: number): number {
  const end = text.indexOf(',', start);
  return end < 0 ? text.length : end;
}
