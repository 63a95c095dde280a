// How a tokenizer.json cuts a text before its model is asked: the steps under `pre_tokenizer`.
import { toByteLetters } from './byte-letters.ts';
import { CodePoints } from './code-points.ts';
import { characterMatcher, matcherOf, readPattern, regexMatcher, textMatcher } from './matcher.ts';
import { replacement } from './normalizers.ts';
import type { Options } from './options.ts';
import { local, type Part, prepend, type Rewrite, slice } from './part.ts';
import { type Cut, cutter, readBehaviour } from './split.ts';
import { numeric, punctuation, whiteSpace, word } from './unicode.ts';
import { scriptCut } from './unicode-scripts.ts';

/** One step: it cuts each part into several, or rewrites it. */
export type PreStep = { readonly cut: Cut } | { readonly rewrite: Rewrite };

/** The steps that `step` describes; a UserError for one that lamina does not have. */
export function readPreTokenizer(step: Options): PreStep[] {
  return step.byType(kinds);
}

/** The parts that the steps make of `parts`; empty ones are dropped. */
export function applySteps(steps: readonly PreStep[], parts: readonly Part[]): readonly Part[] {
  return steps.reduce((now, step) => now.flatMap((part) => applyStep(step, part)), parts);
}

function applyStep(step: PreStep, part: Part): Part[] {
  if ('rewrite' in step) {
    const changed = step.rewrite(part);
    return changed.text === '' ? [] : [changed];
  }
  const cuts = step.cut(part.text);
  if (cuts.length === 2 && cuts[0] === 0 && cuts[1] === part.text.length) return [part];
  return Array.from({ length: cuts.length / 2 }, (_, i) =>
    slice(part, cuts[2 * i] as number, cuts[2 * i + 1] as number),
  );
}

const at = (points: CodePoints, behaviour: 'Removed' | 'Isolated' | 'Contiguous'): PreStep => ({
  cut: cutter(characterMatcher(points), behaviour),
});

const kinds: Record<string, (step: Options) => PreStep[]> = {
  BertPreTokenizer: () => [at(whiteSpace, 'Removed'), at(punctuation(), 'Isolated')],
  ByteLevel: byteLevel,
  CharDelimiterSplit: (step) => [at(CodePoints.of(step.character('delimiter')), 'Removed')],
  Digits: (step) => [at(numeric(), step.flag('individual_digits') ? 'Isolated' : 'Contiguous')],
  FixedLength: (step) => {
    const length = step.whole('length', 1, 5);
    return [{ cut: (text) => fixedCuts(text, length) }];
  },
  Metaspace: metaspace,
  Punctuation: (step) => [{ cut: cutter(characterMatcher(punctuation()), readBehaviour(step, 'Isolated')) }],
  Sequence: (step) => step.steps('pretokenizers').flatMap(readPreTokenizer),
  Split: (step) => [{ cut: cutter(readPattern(step), readBehaviour(step), step.flag('invert', false)) }],
  UnicodeScripts: () => [{ cut: scriptCut() }],
  Whitespace: () => {
    const letters = word().union(CodePoints.parse('200c-200d')); // this step's own idea of a word has the joiners
    const others = letters.union(whiteSpace).not();
    return [{ cut: cutter(matcherOf(`${letters.toPattern()}+|${others.toPattern()}+`), 'Removed', true) }];
  },
  WhitespaceSplit: () => [at(whiteSpace, 'Removed')],
};

function fixedCuts(text: string, length: number): number[] {
  const cuts: number[] = [];
  let [begin, at, count] = [0, 0, 0];
  for (const character of text) {
    at += character.length;
    count++;
    if (count < length && at < text.length) continue;
    cuts.push(begin, at);
    [begin, count] = [at, 0];
  }
  return cuts;
}

/** GPT-2's own pattern. */
const gpt2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

function byteLevel(step: Options): PreStep[] {
  const space: Rewrite = (part) => (part.text.startsWith(' ') ? part : prepend(part, ' '));
  return [
    ...(step.flag('add_prefix_space', true) ? [{ rewrite: space }] : []),
    ...(step.flag('use_regex', true) ? [{ cut: cutter(regexMatcher(gpt2, step), 'Isolated') }] : []),
    { rewrite: local(toByteLetters) },
  ];
}

/** Spaces become another character, one is put in front, and each begins a part. */
function metaspace(step: Options): PreStep[] {
  const mark = step.character('replacement', '▁');
  const scheme = prependScheme(step);
  const spaces = replacement(textMatcher(' '), mark);
  const rewrite: Rewrite = (part) => {
    const marked = spaces(part);
    const wanted = scheme === 'always' || (scheme === 'first' && marked.head > 0);
    return wanted && !marked.text.startsWith(mark) ? prepend(marked, mark) : marked;
  };
  const cut = cutter(textMatcher(mark), 'MergedWithNext');
  return [{ rewrite }, ...(step.flag('split', true) ? [{ cut }] : [])];
}

/** `prepend_scheme`, or what older files say with `add_prefix_space`. */
export function prependScheme(step: Options): 'always' | 'first' | 'never' {
  const scheme = step.choice('prepend_scheme', ['always', 'first', 'never'], 'always');
  if (step.raw('add_prefix_space') !== false || scheme === 'never') return scheme;
  if (step.raw('prepend_scheme') === undefined) return 'never';
  throw step.wrong(`'add_prefix_space' is false, but 'prepend_scheme' is '${scheme}'; keep one of them`);
}
