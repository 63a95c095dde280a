// The options of one step of a tokenizer.json, each read as what it must be.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { isRecord } from '../text/strict-json.ts';

/** What is not as it must be is a UserError that begins with `where`. */
export class Options {
  readonly where: string;
  readonly #json: Record<string, unknown>;

  constructor(where: string, json: unknown) {
    if (!isRecord(json)) throw new UserError(`${where}: expected a JSON object, got ${shown(json)}`);
    this.where = where;
    this.#json = json;
  }

  /** The value as it is; undefined where there is none, or null. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#json, name) ? (this.#json[name] ?? undefined) : undefined;
  }

  text(name: string, otherwise?: string): string {
    return this.#read(name, otherwise, 'text', (value) => typeof value === 'string');
  }

  character(name: string, otherwise?: string): string {
    const isOne = (value: unknown) => typeof value === 'string' && Array.from(value).length === 1;
    return this.#read(name, otherwise, 'one character', isOne);
  }

  flag(name: string, otherwise?: boolean): boolean {
    return this.#read(name, otherwise, 'true or false', (value) => typeof value === 'boolean');
  }

  /** A whole number of at least `least`. */
  whole(name: string, least: number, otherwise?: number): number {
    const isWhole = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= least;
    return this.#read(name, otherwise, `a whole number of at least ${least}`, isWhole);
  }

  choice<T extends string>(name: string, choices: readonly T[], otherwise?: T): T {
    const known = choices.map((choice) => `'${choice}'`).join(', ');
    return this.#read(name, otherwise, `one of ${known}`, (value) => choices.includes(value as T));
  }

  list(name: string): readonly unknown[] {
    return this.#read<readonly unknown[]>(name, undefined, 'a list', Array.isArray);
  }

  /** The options of each entry of the list `name`. */
  steps(name: string): Options[] {
    return this.list(name).map((step) => new Options(this.where, step));
  }

  /** What `kinds` makes of these options for their `type`. */
  byType<T>(kinds: Readonly<Record<string, (options: Options) => T>>, otherwise?: string): T {
    const read = kinds[this.choice('type', Object.keys(kinds), otherwise)];
    return (read as (options: Options) => T)(this);
  }

  /** An error that names this step. */
  wrong(sentence: string): UserError {
    return new UserError(`${this.where}: ${sentence}`);
  }

  #read<T>(name: string, otherwise: T | undefined, what: string, is: (value: unknown) => boolean): T {
    const value = this.raw(name) ?? otherwise;
    if (is(value)) return value as T;
    throw this.wrong(`expected '${name}' to be ${what}, got ${shown(value)}`);
  }
}
