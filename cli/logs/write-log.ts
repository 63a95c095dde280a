// A log on a terminal or in a file: line by line, with what a terminal would obey spelled out.
import { StringDecoder } from 'node:string_decoder';
import { LogReader } from '../../store/log-reader.ts';
import { printable } from '../../util/printable.ts';
import type { Output } from '../common/terminal.ts';

/** Prints a whole log. */
export function writeLog(path: string, out: Output): void {
  const reader = new LogReader(path);
  const writer = new LogWriter(out);
  writer.write(reader.read());
  writer.end();
  reader.close();
}

/** Prints a log in the pieces in which it comes; only whole lines, until the end. */
export class LogWriter {
  readonly #out: Output;
  readonly #decoder = new StringDecoder('utf8');
  #line = '';

  constructor(out: Output) {
    this.#out = out;
  }

  write(bytes: Buffer): void {
    const lines = (this.#line + this.#decoder.write(bytes)).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) this.#print(line);
  }

  end(): void {
    if (this.#line !== '') this.#print(this.#line);
    this.#line = '';
  }

  #print(line: string): void {
    this.#out.write(`${printable(line.replace(/\r$/, ''))}\n`);
  }
}
