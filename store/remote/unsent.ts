// Which units were begun here and are not in a shared store yet: a note for each, so that the next run sends what a kill kept from being sent.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { isObject } from '../../util/json.ts';
import { namesIn } from '../../util/names-in.ts';
import { isDigest, sha256 } from '../digest.ts';
import { layoutOf } from '../layout.ts';
import { inFolder } from '../make-folder.ts';
import { identityOf, type ProcessIdentity, parseIdentity, stateOf } from '../process-identity.ts';
import { guardWrite } from '../write-error.ts';

/** A unit that nobody sends any more. */
export interface LeftUnit {
  key: string;
  /** It takes the place of what is there (--force). */
  replace: boolean;
}

/** The notes of one local store for one shared place. They are not flushed: a machine that loses its power may lose some. */
export class Unsent {
  readonly #store: string;
  readonly #folder: string;
  readonly #noted = new Set<string>();
  #me: ProcessIdentity | undefined;

  /** `place` is a {@link Bucket.place}. */
  constructor(store: string, place: string) {
    this.#store = store;
    this.#folder = layoutOf(store).unsent(sha256(place).slice(0, 16));
  }

  /** To be called before the unit can have a result here. Throws StoreWriteError. */
  note(key: string, replace = false): void {
    if (this.#noted.has(key) && !replace) return;
    this.#me ??= identityOf();
    const text = JSON.stringify({ ...this.#me, replace });
    const path = this.#path(key);
    guardWrite(this.#store, 'what is still to be shared', () =>
      inFolder(this.#store, dirname(path), () => writeFileSync(path, text)),
    );
    this.#noted.add(key);
  }

  /** The unit is there, or there is nothing to send. One that cannot be taken away is looked at once more by the next run. */
  forget(key: string): void {
    this.#noted.delete(key);
    ignoringErrors(() => rmSync(this.#path(key), { force: true, recursive: true }));
  }

  /** What processes have noted that do not live any more, or cannot be seen from here. */
  left(): LeftUnit[] {
    const keys = namesIn(this.#folder).filter(isDigest);
    return keys.flatMap((key) => {
      const value = readNote(this.#path(key));
      const owner = parseIdentity(value);
      const isAlive = owner !== undefined && stateOf(owner) === 'alive';
      return isAlive ? [] : [{ key, replace: isObject(value) && value.replace === true }];
    });
  }

  #path(key: string): string {
    return join(this.#folder, key);
  }
}

/** A note that was cut off by a kill says no more than its name. */
function readNote(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}
