// llama.cpp's pre-tokenizers, which it knows by name and not by pattern: which one splits a text as a tokenizer.json does, and what each does.
import { isObject } from '../../util/json.ts';

const letters = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const rest = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`;
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const [upper, lower] = [String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`];
const before = String.raw`[^\r\n\p{L}\p{N}]?`;

/** Patterns of a Split step, as the models' files have them. */
const llama3 = String.raw`${contractions}|${letters}|\p{N}{1,3}|${rest}`;
const qwen2 = String.raw`${contractions}|${letters}|\p{N}|${rest}`;
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const tekken = String.raw`${before}${upper}*${lower}+|${before}${upper}+${lower}*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`;

/** Names that are written, by their pattern. */
const patterns: ReadonlyMap<string, string> = new Map([
  [llama3, 'llama-bpe'],
  [qwen2, 'qwen2'],
  [gpt2, 'gpt-2'],
]);

/** llama.cpp's name; `exact` is false when none fits and GPT-2's, the plainest, is taken. */
export function pretokenizerOf(step: unknown): { name: string; exact: boolean } {
  const steps =
    isObject(step) && step.type === 'Sequence' && Array.isArray(step.pretokenizers) ? step.pretokenizers : [step];
  const [first, ...more] = steps.filter(isObject);
  if (isGpt2(first) && more.length === 0) return { name: 'gpt-2', exact: true };
  if (first?.type === 'Digits' && first.individual_digits === true && more.length === 1 && isGpt2(more[0])) {
    return { name: 'smollm', exact: true };
  }
  const isSplit = first?.type === 'Split' && first.behavior === 'Isolated' && more.length === 1;
  const pattern = isSplit && isObject(first.pattern) ? first.pattern.Regex : undefined;
  const name = typeof pattern === 'string' ? patterns.get(pattern) : undefined;
  return name === undefined ? { name: 'gpt-2', exact: false } : { name, exact: true };
}

/** ByteLevel with GPT-2's own pattern, which puts no space in front. */
function isGpt2(step: Record<string, unknown> | undefined): boolean {
  return step?.type === 'ByteLevel' && step.use_regex !== false && step.add_prefix_space === false;
}

/** What llama.cpp does by the name of a pre-tokenizer. */
export interface Pretokenizer {
  /** The step of a tokenizer.json. */
  readonly step: Record<string, unknown>;
  /** A part that is a token is not put together by merges. */
  readonly ignoreMerges: boolean;
  /** A text begins with the begin token where the file does not say. */
  readonly addsBos: boolean;
}

const byteLevel = (use_regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
});
const split = (Regex: string) => ({ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false });
const sequence = (...pretokenizers: unknown[]) => ({ type: 'Sequence', pretokenizers });

const plain = { ignoreMerges: false, addsBos: false };
const whole = { ignoreMerges: true, addsBos: true };
const known: readonly (readonly [names: readonly string[], of: Pretokenizer])[] = [
  [
    ['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'falcon-h1', 'pixtral', 'midm-2.0', 'lfm2'],
    { ...whole, step: sequence(split(llama3), byteLevel(false)) },
  ],
  [['dbrx', 'smaug-bpe'], { ...plain, step: sequence(split(llama3), byteLevel(false)) }],
  [['tekken'], { ...whole, step: sequence(split(tekken), byteLevel(false)) }],
  [
    ['qwen2', 'deepseek-r1-qwen', 'kormo', 'megrez', 'stablelm2', 'hunyuan'],
    { ...plain, step: sequence(split(qwen2), byteLevel(false)) },
  ],
  [
    ['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b'],
    { ...plain, step: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)) },
  ],
  [['gpt-2', 'phi-2', 'mpt', 'olmo', 'jais', 'mellum', 'exaone4', 'trillion'], { ...plain, step: byteLevel(true) }],
  [
    ['default'],
    {
      ...plain,
      step: sequence(
        split(String.raw`[\p{P}\$\+<=>\^~\|]+`),
        split(gpt2.slice(0, gpt2.lastIndexOf('|'))),
        split(String.raw`\p{N}+`),
        split('[0-9][0-9][0-9]'),
        byteLevel(false),
      ),
    },
  ],
];

/** Names that are read, for messages. */
export const pretokenizerNames: readonly string[] = known.flatMap(([names]) => names);

/** What llama.cpp does by `name`; undefined for one that lamina does not have. */
export function pretokenizerNamed(name: string): Pretokenizer | undefined {
  return known.find(([names]) => names.includes(name))?.[1];
}
