// What an attempt reads: which of it the worker took on trust, and what turns out not to be whole.
import type { BlobRef } from '../../store/digest.ts';
import type { KeyPreimage } from '../../store/key.ts';
import { inputDigests } from '../../store/record.ts';
import type { Damage, Store } from '../../store/store.ts';
import type { InputsRead } from './protocol.ts';

/** An input that is not what the job said. Without `damage` it is whole by now, whatever the worker saw. */
export interface DamagedInput {
  ref: BlobRef;
  damage: Damage | undefined;
}

/** An artifact that may have been taken on trust, and what the store knew of its file when the attempt began. */
interface Trusted extends BlobRef {
  known: string | undefined;
}

/** The inputs of one attempt. */
export class JobInputs {
  readonly #store: Store;
  #trusted: readonly Trusted[];

  constructor(artifacts: readonly BlobRef[], store: Store) {
    this.#store = store;
    this.#trusted = artifacts.map((ref) => ({ ...ref, known: store.known(ref) })); // until the worker says what it has read
  }

  /** Takes note of what the worker has read over. */
  note(read: InputsRead['read']): void {
    for (const { identity, ...ref } of read) this.#store.remember(ref, identity);
    const digests = new Set(read.map(({ digest }) => digest));
    this.#trusted = this.#trusted.filter(({ digest }) => !digests.has(digest));
  }

  /** The digests of what a unit with this pre-image was made from without its being read over. */
  trustedBy(preimage: KeyPreimage): string[] {
    const digests = new Set(inputDigests(preimage));
    return this.#trusted.map(({ digest }) => digest).filter((digest) => digests.has(digest));
  }

  /**
   * What was trusted and is found damaged when the work is done. Only what the file system says something else of than when the work began is
   * read for that: it may be nothing (a backup by links changes the times), and days of work are not thrown away for nothing.
   */
  async findDoubted(): Promise<DamagedInput[]> {
    const changed = this.#trusted.filter((artifact) => !this.#isUntouched(artifact));
    return (await this.examine(changed)).filter(({ damage }) => damage !== undefined);
  }

  /** Reads artifacts over, here and now. */
  async examine(refs: readonly BlobRef[]): Promise<DamagedInput[]> {
    const found: DamagedInput[] = [];
    for (const { digest, size } of refs) {
      const ref = { digest, size };
      found.push({ ref, damage: await this.#store.check(ref, 'bytes') });
    }
    return found;
  }

  /** True while the store knows of a file what it knew when the attempt began. */
  #isUntouched({ known, digest, size }: Trusted): boolean {
    return known !== undefined && this.#store.known({ digest, size }) === known;
  }
}
