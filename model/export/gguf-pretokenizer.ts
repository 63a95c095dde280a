// Which of llama.cpp's pre-tokenizers splits a text as a tokenizer.json does: llama.cpp knows them by name, not by pattern.
import { isObject } from '../../util/json.ts';

const letters = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const rest = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

/** Patterns of a Split step, as the models' files have them. */
const patterns: ReadonlyMap<string, string> = new Map([
  [String.raw`${contractions}|${letters}|\p{N}{1,3}|${rest}`, 'llama-bpe'],
  [String.raw`${contractions}|${letters}|\p{N}|${rest}`, 'qwen2'],
  [String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`, 'gpt-2'],
]);

/** llama.cpp's name; `exact` is false when none fits and GPT-2's, the plainest, is taken. */
export function pretokenizerOf(step: unknown): { name: string; exact: boolean } {
  const steps =
    isObject(step) && step.type === 'Sequence' && Array.isArray(step.pretokenizers) ? step.pretokenizers : [step];
  const [first, ...more] = steps.filter(isObject);
  const alone = first?.type === 'ByteLevel' && more.length === 0;
  if (alone && first.use_regex !== false) return { name: 'gpt-2', exact: first.add_prefix_space !== true };
  const isSplit = first?.type === 'Split' && first.behavior === 'Isolated' && more.length === 1;
  const pattern = isSplit && isObject(first.pattern) ? first.pattern.Regex : undefined;
  const name = typeof pattern === 'string' ? patterns.get(pattern) : undefined;
  return name === undefined ? { name: 'gpt-2', exact: false } : { name, exact: true };
}
