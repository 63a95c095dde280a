// What scoring a task asks of a model: token ids in, numbers and text out. Everything else in this folder is text and arithmetic.

/** How likely a continuation is after a context. */
export interface Loglikelihood {
  /** Sum of the log-probabilities of the continuation's tokens. */
  logprob: number;
  /** True when each of its tokens is the most likely one. */
  is_greedy: boolean;
}

/** Score the last `continuation.length` tokens of context and continuation together. */
export interface ScoreRequest {
  /** At least one token. */
  context: readonly number[];
  /** At least one token. */
  continuation: readonly number[];
}

/** Continue `prompt` greedily. */
export interface GenerateRequest {
  prompt: readonly number[];
  /** Texts that end the generation; what follows the first of them may be missing or not. */
  until: readonly string[];
  /** Most new tokens. */
  max_tokens: number;
}

/** A model as tasks see it. */
export interface Scorer {
  loglikelihoods(requests: readonly ScoreRequest[]): Promise<Loglikelihood[]>;
  /** The continuations' texts, special tokens left out, ended by the end token, by a text of `until`, or by length. */
  generate(requests: readonly GenerateRequest[]): Promise<string[]>;
}
