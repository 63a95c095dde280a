// A task's records as requests to a model, text for text what the harness sends.
import { type Doc, str } from '../../python/value.ts';
import type { GenerationConfig, TaskConfig } from '../files/task-config.ts';
import type { DocumentReader } from './document.ts';
import type { FewshotSampler } from './fewshot.ts';
import { referencesOf } from './score-record.ts';

export type Request =
  | { kind: 'loglikelihood'; context: string; continuation: string }
  | { kind: 'rolling'; text: string }
  | { kind: 'generate'; context: string; generation: GenerationConfig };

/** Builds the requests of one record after the other. */
export class RequestBuilder {
  readonly #config: TaskConfig;
  readonly #reader: DocumentReader;
  readonly #fewshot: FewshotSampler | undefined;
  readonly #num_fewshot: number;
  /** Choices are contexts and share one target: decided by the first record, as in the harness. */
  readonly multipleInput: boolean;

  constructor(
    config: TaskConfig,
    reader: DocumentReader,
    options: { first: Doc; num_fewshot: number; fewshot: FewshotSampler | undefined },
  ) {
    this.#config = config;
    this.#reader = reader;
    this.#fewshot = options.fewshot;
    this.#num_fewshot = options.num_fewshot;
    this.multipleInput = config.doc_to_choice !== undefined && typeof reader.text(options.first) === 'number';
  }

  /** The requests of `doc`, which must be asked for in order. */
  build(doc: Doc): Request[] {
    const { output_type, generation } = this.#config;
    if (output_type === 'loglikelihood_rolling') return [{ kind: 'rolling', text: str(this.#reader.target(doc)) }];
    const context = this.#context(doc);
    if (output_type === 'generate_until') {
      if (this.#config.process_results === undefined) referencesOf(this.#config, this.#reader, doc); // before the model's work
      return [{ kind: 'generate', context, generation }];
    }
    if (output_type === 'multiple_choice') return this.#choices(doc, context);
    return [{ kind: 'loglikelihood', context, continuation: str(this.#reader.target(doc)) }];
  }

  #choices(doc: Doc, context: string): Request[] {
    const { target_delimiter, metrics } = this.#config;
    const choices = this.#reader.choices(doc);
    if (!this.multipleInput) this.#reader.target(doc); // a record without an answer is told of before the model's work
    const pair = (context: string, continuation: string): Request => ({ kind: 'loglikelihood', context, continuation });
    const requests = this.multipleInput
      ? choices.map((choice) => pair(context + choice, target_delimiter + str(this.#reader.target(doc))))
      : choices.map((choice) => pair(context, target_delimiter + choice));
    const alone = metrics.some(({ metric }) => metric === 'acc_mutual_info')
      ? choices.map((choice) => pair('', choice))
      : [];
    return [...requests, ...alone];
  }

  #context(doc: Doc): string {
    const { description } = this.#config;
    const examples = this.#num_fewshot > 0 ? (this.#fewshot?.block(doc, this.#num_fewshot) ?? '') : '';
    const before = (description === undefined ? '' : description(doc).text) + examples;
    return this.multipleInput ? before : before + this.#ownText(doc);
  }

  #ownText(doc: Doc): string {
    const text = this.#reader.text(doc);
    return typeof text === 'number' && this.#config.doc_to_choice !== undefined
      ? this.#reader.choice(doc, text)
      : str(text);
  }
}
