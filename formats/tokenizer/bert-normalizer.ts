// BERT's normalizer: control characters out, white space made spaces, spaces round ideographs, accents off, lower case.
import { CodePoints } from './code-points.ts';
import type { Options } from './options.ts';
import { local, type Rewrite } from './part.ts';
import { control, lowerCase, nonspacing, normalForm, whiteSpace } from './unicode.ts';

const ideographs = CodePoints.parse('3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b81f 2b920-2ceaf 2f800-2fa1f');

/** `strip_accents` left open is as `lowercase` is. */
export function bertNormalizer(step: Options): Rewrite {
  const lowercase = step.flag('lowercase', true);
  const rewrites = [
    ...(step.flag('clean_text', true) ? [cleaned()] : []),
    ...(step.flag('handle_chinese_chars', true) ? [spaced()] : []),
    ...(step.flag('strip_accents', lowercase) ? [unaccented()] : []),
    ...(lowercase ? [local(lowerCase)] : []),
  ];
  return (part) => rewrites.reduce((changed, rewrite) => rewrite(changed), part);
}

function cleaned(): Rewrite {
  const removed = new RegExp(control().union(CodePoints.parse('0 fffd')).toPattern(), 'gu');
  const spaces = new RegExp(whiteSpace.toPattern(), 'gu');
  return local((text) => text.replace(removed, '').replace(spaces, ' '));
}

function spaced(): Rewrite {
  const found = new RegExp(ideographs.toPattern(), 'gu');
  return local((text) => text.replace(found, ' $& '));
}

function unaccented(): Rewrite {
  const accents = new RegExp(nonspacing().toPattern(), 'gu');
  return local((text) => normalForm(text, 'NFD').replace(accents, ''));
}
