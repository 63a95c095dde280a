// The folder that an export goes into: made beside its place, and moved there when it is whole.
import { accessSync, constants, mkdirSync, realpathSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { linkUnlessTaken } from '../../store/durable.ts';
import { sweepTemporaries, temporaryName } from '../../store/temporary.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { namesIn } from '../../util/names-in.ts';
import { fileError } from '../../util/system-error.ts';
import { nearestAbove } from '../common/free-space.ts';

const expected = 'expected a folder that is not there yet, or an empty one';

/** Throws UserError for a folder that holds something, that cannot be made, or that lamina itself works in. */
export function checkTarget(to: string, store: string): void {
  const place = resolve(to);
  if (isWithin(process.cwd(), place))
    throw new UserError(`--to '${to}' is the folder that lamina works in: name one in it`);
  if (isWithin(place, resolve(store)))
    throw new UserError(`--to '${to}' is a part of the store '${store}': name another`);
  try {
    const found = statusAt(place);
    if (found !== undefined && !found.isDirectory()) throw new UserError(`--to '${to}' is a file, ${expected}`);
    if (found !== undefined && namesIn(place).length > 0) throw new UserError(`--to '${to}' is not empty, ${expected}`);
    const above = nearestAbove(dirname(place));
    if (!statusAt(above)?.isDirectory()) throw new UserError(`--to '${to}': '${above}' is not a folder`);
    accessSync(above, constants.W_OK);
    tryFolder(above);
  } catch (error) {
    throw fileError(error, to, 'cannot write into');
  }
}

/** The same for a file that is not there yet. */
export function checkFileTarget(to: string): void {
  try {
    if (statusAt(resolve(to)) !== undefined)
      throw new UserError(`--to '${to}' is there already: name a file that is not`);
    const above = nearestAbove(dirname(resolve(to)));
    if (!statusAt(above)?.isDirectory()) throw new UserError(`--to '${to}': '${above}' is not a folder`);
    tryFolder(above);
  } catch (error) {
    throw fileError(error, to, 'cannot write');
  }
}

/** Some folders let nothing be made in them whatever their permissions say, as /proc does: that is found out before the stage runs, and leaves no trace. */
function tryFolder(above: string): void {
  const trial = join(above, temporaryName());
  mkdirSync(trial);
  rmdirSync(trial);
}

/** A folder on its way to its place. */
export class Target {
  /** Where the files are made. */
  readonly unfinished: string;
  readonly #place: string;

  /** Throws UserError. */
  constructor(to: string) {
    this.#place = statusAt(to) === undefined ? resolve(to) : realpathSync(to);
    const around = dirname(this.#place);
    this.unfinished = join(around, temporaryName());
    try {
      makeFolders(around);
      sweepTemporaries(around);
      mkdirSync(this.unfinished);
    } catch (error) {
      throw fileError(error, to, 'cannot write into');
    }
  }

  /** Moves it to its place, which is not there or empty. Throws UserError where something has come there meanwhile. */
  finish(): void {
    try {
      ignoringErrors(() => rmdirSync(this.#place));
      renameSync(this.unfinished, this.#place);
    } catch (error) {
      throw new UserError(`cannot write '${this.#place}': ${(error as Error).message}`, { cause: error });
    }
  }

  /** Moves the file `name` in it to the place, which is not there. Throws UserError where something has come there meanwhile. */
  finishFile(name: string): void {
    try {
      if (linkUnlessTaken(join(this.unfinished, name), this.#place)) return;
    } catch (error) {
      throw fileError(error, this.#place, 'cannot write');
    }
    throw new UserError(`cannot write '${this.#place}': something else has come there`);
  }

  /** Removes what was not finished. */
  drop(): void {
    ignoringErrors(() => rmSync(this.unfinished, { recursive: true, force: true }));
  }
}

function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way === '' || !(way === '..' || way.startsWith('../') || way.startsWith('..\\') || resolve(way) === way);
}
