// What a tokenizer.json does to a text before it is cut: the steps under `normalizer`.
import { bertNormalizer } from './bert-normalizer.ts';
import { toByteLetters } from './byte-letters.ts';
import { precompiled } from './charsmap.ts';
import { CodePoints } from './code-points.ts';
import { type Matcher, readPattern } from './matcher.ts';
import type { Options } from './options.ts';
import { local, prepend, type Rewrite, slice } from './part.ts';
import { combining, lowerCase, normalForm, whiteSpace } from './unicode.ts';

/** The step that `step` describes; a UserError for one that lamina does not have. */
export function readNormalizer(step: Options): Rewrite {
  return step.byType(steps);
}

const steps: Record<string, (step: Options) => Rewrite> = {
  BertNormalizer: bertNormalizer,
  ByteLevel: () => local(toByteLetters),
  Lowercase: () => local(lowerCase),
  NFC: () => local((text) => normalForm(text, 'NFC')),
  NFD: () => local((text) => normalForm(text, 'NFD')),
  NFKC: () => local((text) => normalForm(text, 'NFKC')),
  NFKD: () => local((text) => normalForm(text, 'NFKD')),
  Nmt: () => local((text) => text.replace(nmtRemoved, '').replace(nmtSpaces, ' ')),
  Precompiled: precompiled,
  Prepend: (step) => {
    const prefix = step.text('prepend');
    return (part) => (part.text === '' ? part : prepend(part, prefix));
  },
  Replace: (step) => replacement(readPattern(step), step.text('content')),
  Sequence: (step) => {
    const rewrites = step.steps('normalizers').map(readNormalizer);
    return (part) => rewrites.reduce((changed, rewrite) => rewrite(changed), part);
  },
  Strip: (step) => strip(step.flag('strip_left'), step.flag('strip_right')),
  StripAccents: () => {
    const accents = new RegExp(combining().toPattern(), 'gu');
    return local((text) => text.replace(accents, ''));
  },
};

const nmtRemoved = new RegExp(CodePoints.parse('1-8 b e-1f 7f 8f 9f').toPattern(), 'gu');
const nmtSpaces = new RegExp(CodePoints.parse('9-a c-d 1680 200b-200f 2028-2029 2581 feff fffd').toPattern(), 'gu');

/** Puts `content` for all that is found; it counts as of the last character that it stands for. */
export function replacement(find: Matcher, content: string): Rewrite {
  return ({ text, head }) => {
    const places = find(text);
    if (places.length === 0) return { text, head };
    let [out, last, newHead] = ['', 0, 0];
    for (let i = 0; i < places.length; i += 2) {
      const [begin, end] = [places[i] as number, places[i + 1] as number];
      newHead += Math.max(0, Math.min(head, begin) - last) + (end <= head ? content.length : 0);
      out += text.slice(last, begin) + content;
      last = end;
    }
    newHead += Math.max(0, head - last);
    return { text: out + text.slice(last), head: newHead };
  };
}

function strip(left: boolean, right: boolean): Rewrite {
  return (part) => {
    const { text } = part;
    const isSpace = (at: number) => whiteSpace.has(text.charCodeAt(at));
    let [begin, end] = [0, text.length];
    while (left && begin < end && isSpace(begin)) begin++;
    while (right && end > begin && isSpace(end - 1)) end--;
    return slice(part, begin, end);
  };
}
