// What a side of the task benchmark answered, and whether the other side answered the same.

/** Of one evaluation, in the order of the records and their requests. */
export interface Answers {
  /** Log-likelihoods, or generated texts. */
  answers: (number | string)[];
  /** The task's metrics by name, `acc` or `exact_match,strict-match`. */
  results: Record<string, number>;
  /** Of all requests: contexts and continuations, prompts and what was generated. */
  tokens: number;
}

/** How far log-likelihoods may be apart. */
const agreement = 1e-3;
/** Relatively, of an exponential of their mean. */
const perplexityAgreement = 1e-4;

/** One number for all answers: the mean log-likelihood, or the mean length of the texts. */
export function meanAnswer({ answers }: Answers): number {
  const size = (answer: number | string) => (typeof answer === 'number' ? answer : [...answer].length);
  return answers.reduce<number>((sum, answer) => sum + size(answer), 0) / answers.length;
}

/** The largest difference of a log-likelihood (0 for texts); an Error where answers or metrics differ. */
export function compareAnswers(ours: Answers, theirs: Answers, what: string): number {
  if (ours.answers.length !== theirs.answers.length)
    throw new Error(`${what}: ${ours.answers.length} answers and ${theirs.answers.length}`);
  const differences = ours.answers.map((answer, i) => {
    const other = theirs.answers[i] as number | string;
    const difference =
      typeof answer === 'number' && typeof other === 'number' ? Math.abs(answer - other) : Number(answer !== other);
    if (difference <= agreement) return difference;
    throw new Error(
      `${what}, request ${i + 1}: the sides answer ${JSON.stringify(answer)} and ${JSON.stringify(other)}`,
    );
  });
  for (const [metric, value] of Object.entries(theirs.results)) {
    const own = ours.results[metric] ?? Number.NaN;
    const allowed = metric.startsWith('perplexity') ? perplexityAgreement * value : 1e-12;
    if (Math.abs(own - value) <= allowed) continue;
    throw new Error(`${what}: the sides report ${metric} ${own} and ${value}`);
  }
  return Math.max(0, ...differences);
}
