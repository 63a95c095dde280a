// A model behind the interface that scoring a task asks of it.
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { EarlyExit } from '../../model/exits/exit-rule.ts';
import type { Model } from '../../model/forward/model.ts';
import { generate } from '../../model/generate/generate.ts';
import { scorePairs } from '../../model/generate/score.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';
import type { Scorer } from '../../tasks/files/scorer.ts';
import { UserError } from '../../util/errors.ts';

/** How a model answers. */
export interface ModelScorerSettings {
  /** Inputs per forward pass, texts that are continued side by side. */
  batch_size: number;
  /** Most tokens of one input. */
  max_length: number;
  /** Aborting ends the work between two passes, with the signal's reason. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { done: number; total: number; of: string; note: string }) => void) | undefined;
}

/** A model that is walked through for scores, and loaded when it has to generate. */
export interface Answering {
  readonly stored: StoredModel;
  /** The same model in memory; asked for once, if at all. */
  load(): Promise<Model>;
  /** When tokens that are generated stop early. */
  readonly exit?: EarlyExit | undefined;
}

/** The answers of a model to requests in token ids; a UserError for a token that it does not have. */
export function modelScorer(
  { stored, load, exit }: Answering,
  tokenizer: Tokenizer,
  settings: ModelScorerSettings,
): Scorer {
  const { signal, onProgress = () => {} } = settings;
  const { vocab_size } = stored.checkpoint.config;
  let loaded: Promise<Model> | undefined;
  const report = (note: string) => (done: number, total: number) => {
    signal?.throwIfAborted();
    onProgress({ done, total, of: 'request', note });
  };
  const check = (ids: readonly number[]) => refuseStranger(ids, vocab_size);
  return {
    async loglikelihoods(requests) {
      for (const { context: before, continuation } of requests) check([...before, ...continuation]);
      return scorePairs(stored, requests, settings, report('scoring'));
    },
    async generate(requests) {
      for (const { prompt } of requests) check(prompt);
      const prompts = requests.map(({ prompt, until, max_tokens }) => ({ ids: prompt, stop: until, max_tokens }));
      const tell = report('generating');
      let done = 0;
      const onEnd = () => tell(++done, prompts.length);
      const options = { ...settings, order: 'length', ...(exit && { exit: { exit } }) } as const;
      loaded ??= load();
      const texts = await generate(await loaded, tokenizer, prompts, options, undefined, onEnd);
      return texts.map(({ text }) => text);
    },
  };
}

function refuseStranger(ids: readonly number[], vocab_size: number): void {
  const stranger = ids.find((id) => id >= vocab_size);
  if (stranger === undefined) return;
  throw new UserError(
    `a text of a task has token ${stranger}, but the model has ${vocab_size} tokens: its tokenizer.json belongs to another model`,
  );
}
