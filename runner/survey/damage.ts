// Says what was found damaged in the store, as warnings, and how often.
import type { BlobRef } from '../../store/digest.ts';
import type { Damage } from '../../store/store.ts';
import { describeUnit, type RunEvent, type UnitName } from './events.ts';
import { nameOf, type UnitState } from './graph.ts';

/** In so many passes of one run an artifact may be found damaged; then the disk or the memory is what should be looked at. */
const mostDamages = 3;

/** What one command found damaged; a run has one over all its passes. */
export class Damages {
  readonly #warn: (event: RunEvent) => void;
  /** What was warned of, and in which pass. */
  readonly #said = new Map<string, number>();
  /** The passes in which an attempt found its input damaged, by the artifact's digest. */
  readonly #passes = new Map<string, Set<number>>();
  #pass = 0;
  #suspects = 0;

  constructor(warn: (event: RunEvent) => void) {
    this.#warn = warn;
  }

  /** Records that were put aside because of what was found: who has looked them up must look again. */
  get suspects(): number {
    return this.#suspects;
  }

  /** The record of a unit cannot be used. */
  record(unit: UnitState, detail: string): void {
    this.#say(`${unit.key}`, nameOf(unit), `${detail}, so it is made again`);
  }

  /** An artifact of a unit is not whole; returns the sentence's part that tells which, and what. */
  artifact(from: UnitState, output: string, ref: BlobRef, { detail, suspects, collected }: Damage): string {
    const what = `artifact '${output}' (${ref.digest.slice(0, 12)}) ${detail}`;
    if (collected === true) return what;
    this.#say(`${from.key} ${ref.digest}`, nameOf(from), `${what}, so it is made again`);
    this.#suspects += suspects.length;
    for (const { about, key } of suspects) this.#say(key, about, suspectText(nameOf(from), what));
    return what;
  }

  /** From now on what is found again was found again, although it was made again. */
  nextPass(): void {
    this.#pass++;
  }

  /** True when an attempt has asked for the artifact in vain: it is made again, whoever may turn out to need it. */
  isWanted({ digest }: BlobRef): boolean {
    return this.#passes.has(digest);
  }

  /** Counts that an attempt found its input damaged; true when it makes no sense to try once more. */
  isHopeless({ digest }: BlobRef): boolean {
    const passes = (this.#passes.get(digest) ?? new Set()).add(this.#pass);
    this.#passes.set(digest, passes);
    return passes.size >= mostDamages;
  }

  /** Once in a pass for each thing; that it is gone, when it was put aside before, is nothing new. */
  #say(what: string, { node, stage, cell, unit }: UnitName, text: string): void {
    if (this.#said.get(what) === this.#pass || (this.#said.has(what) && text.includes(' is gone,'))) return;
    this.#said.set(what, this.#pass);
    const message = `${describeUnit({ stage, cell, unit })}: ${text}`;
    this.#warn({ type: 'warning', reason: 'damaged', message, node, stage, cell, unit });
  }
}

function suspectText(from: UnitName, what: string): string {
  return `it was made from what may have been wrong bytes of ${describeUnit(from)} (${what}), so it is made again`;
}
