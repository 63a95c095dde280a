// A task's records as requests to a model, text for text what the harness sends.
import { type Doc, str } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import type { GenerationConfig, TaskConfig } from '../files/task-config.ts';
import { type ChatTurn, type TaskChat, withQuestion } from './chat.ts';
import type { DocumentReader } from './document.ts';
import type { FewshotSampler } from './fewshot.ts';
import { referencesOf } from './score-record.ts';

export type Request =
  | { kind: 'loglikelihood'; context: string; continuation: string }
  | { kind: 'rolling'; text: string }
  | { kind: 'generate'; context: string; generation: GenerationConfig };

const noTurns =
  "the task's choices are contexts, so that nothing is left for the chat template: expected 'num_fewshot' above 0 or a 'system_instruction' (the harness fails here)";

/** What stands around a record's own text. */
export interface RequestOptions {
  num_fewshot: number;
  fewshot: FewshotSampler | undefined;
  system_instruction?: string | undefined;
  /** Undefined for texts as the task files write them. */
  chat?: TaskChat | undefined;
}

/** Builds the requests of one record after the other. */
export class RequestBuilder {
  readonly #config: TaskConfig;
  readonly #reader: DocumentReader;
  readonly #options: RequestOptions;
  /** Choices are contexts and share one target: decided by the first record, as in the harness. */
  readonly multipleInput: boolean;

  constructor(config: TaskConfig, reader: DocumentReader, options: RequestOptions & { first: Doc }) {
    this.#config = config;
    this.#reader = reader;
    this.#options = options;
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
    return this.#options.chat === undefined ? this.#plainContext(doc) : this.#conversation(doc, this.#options.chat);
  }

  #plainContext(doc: Doc): string {
    const { num_fewshot, fewshot } = this.#options;
    const examples = num_fewshot > 0 ? (fewshot?.block(doc, num_fewshot) ?? '') : '';
    const before = this.#system(doc) + examples;
    return this.multipleInput ? before : before + this.#ownText(doc);
  }

  #conversation(doc: Doc, { render, fewshot_as_multiturn }: TaskChat): string {
    const { num_fewshot, fewshot } = this.#options;
    const system = this.#system(doc);
    const turns: ChatTurn[] = system === '' ? [] : [{ role: 'system', content: system }];
    if (num_fewshot > 0 && fewshot !== undefined) {
      turns.push(...(fewshot_as_multiturn ? fewshot.turns(doc, num_fewshot) : [fewshot.blockTurn(doc, num_fewshot)]));
    }
    if (this.multipleInput && turns.length === 0) throw new UserError(noTurns);
    return render(this.multipleInput ? turns : withQuestion(turns, this.#ownText(doc), fewshot_as_multiturn));
  }

  /** What stands before everything: the instruction that was asked for, then the task's own description. */
  #system(doc: Doc): string {
    const { description, fewshot_delimiter } = this.#config;
    const { system_instruction: instruction } = this.#options;
    const own = description === undefined ? '' : description(doc).text;
    if (instruction === undefined) return own;
    return own === '' ? instruction : instruction + fewshot_delimiter + own;
  }

  #ownText(doc: Doc): string {
    const text = this.#reader.text(doc);
    return typeof text === 'number' && this.#config.doc_to_choice !== undefined
      ? this.#reader.choice(doc, text)
      : str(text);
  }
}
