// A perplexity that is a number, or a sentence.
import { UserError } from '../../util/errors.ts';

/** JSON has no NaN: the table would show an empty place, and nobody would know why. */
export function refuseNoNumber({ perplexity, tokens }: { readonly perplexity: number; readonly tokens: number }): void {
  if (Number.isFinite(perplexity)) return;
  throw new UserError(
    `the perplexity over ${tokens} tokens is ${perplexity}, expected a finite number: look for NaN or very large values in the weights of its model and recovery parameters`,
  );
}
