// Few-shot examples before a record: drawn as the harness draws them, from one stream over all records of a task.
import { PythonRandom } from '../../python/random.ts';
import { type Doc, equal, str, type Value } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import type { TaskConfig } from '../files/task-config.ts';
import type { ChatTurn } from './chat.ts';
import type { DocumentReader } from './document.ts';

/** Which harness is followed where versions differ in few-shot texts. */
export type Harness = '0.4.3' | '0.4.5';

/** Gives the few-shot block of one record after the other; the order of the calls decides what is drawn. */
export class FewshotSampler {
  readonly #config: TaskConfig;
  readonly #reader: DocumentReader;
  readonly #docs: readonly Doc[];
  readonly #harness: Harness;
  readonly #random: PythonRandom;

  constructor(
    config: TaskConfig,
    reader: DocumentReader,
    docs: readonly Doc[],
    options: { seed: number; harness: Harness },
  ) {
    this.#config = config;
    this.#reader = reader;
    this.#docs = docs;
    this.#harness = options.harness;
    this.#random = new PythonRandom(options.seed);
  }

  /** `count` examples, each with its delimiters; the record itself is not among them. */
  block(doc: Doc, count: number): string {
    return this.#chosen(doc, count)
      .map((one) => this.#named(one, () => this.#example(one)))
      .join('');
  }

  /** `count` examples as turns of a conversation. */
  turns(doc: Doc, count: number): ChatTurn[] {
    return this.#chosen(doc, count).flatMap((one) => this.#named(one, () => this.#turnsOf(one)));
  }

  /** Those of `block` as one turn. For a conversation the harness draws once more before, and uses nothing of it. */
  blockTurn(doc: Doc, count: number): ChatTurn {
    this.#chosen(doc, count);
    return { role: 'user', content: this.block(doc, count) };
  }

  #chosen(doc: Doc, count: number): Doc[] {
    const { fewshot_split, test_split } = this.#config;
    // the harness compares the names of the splits, so that two that are not given are one and the same
    const drawn = this.#draw(fewshot_split === test_split ? count + 1 : count);
    return drawn.filter((one) => !equal(one, doc)).slice(0, count);
  }

  /** Names the example in what goes wrong with it. */
  #named<T>(doc: Doc, make: () => T): T {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw new UserError(`${error.message} (example ${this.#docs.indexOf(doc) + 1} of ${this.#docs.length})`);
    }
  }

  #draw(count: number): Doc[] {
    if (count > this.#docs.length) {
      throw new UserError(
        `${this.#config.where}: task '${this.#config.task}' needs ${count} few-shot examples, but its data have ${this.#docs.length}`,
      );
    }
    if (this.#config.fewshot_config.sampler === 'first_n') return this.#docs.slice(0, count);
    return this.#random.sample(this.#docs.length, count).map((i) => this.#docs[i] as Doc);
  }

  #example(doc: Doc): string {
    const { target_delimiter, fewshot_delimiter } = this.#config;
    const { text, target, isEmpty } = this.#parts(doc);
    return isEmpty && this.#harness === '0.4.5' ? text : text + target_delimiter + target + fewshot_delimiter;
  }

  #turnsOf(doc: Doc): ChatTurn[] {
    const { text, target } = this.#parts(doc);
    return [
      { role: 'user', content: text },
      { role: 'assistant', content: target },
    ];
  }

  #parts(doc: Doc): { text: string; target: string; isEmpty: boolean } {
    const sources = this.#reader.fewshotSources;
    const choice = (value: Value) =>
      typeof value === 'string' || sources.doc_to_choice === undefined
        ? str(value)
        : this.#reader.choice(doc, value, sources);
    const text = choice(this.#reader.text(doc, sources));
    const found = this.#reader.target(doc, sources);
    if (found === '') return { text, target: '', isEmpty: true };
    return { text, target: Array.isArray(found) ? str(found[0] as Value) : choice(found), isEmpty: false };
  }
}
