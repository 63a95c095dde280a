// Where a pattern of a tokenizer.json is found in a text.
import type { CodePoints } from './code-points.ts';
import { toJavaScript } from './oniguruma.ts';
import { Unreadable } from './oniguruma-cursor.ts';
import type { Options } from './options.ts';

/** All places of a pattern in `text`: [begin, end, begin, end, ...], one after the other. */
export type Matcher = (text: string) => number[];

/** The option `pattern` of a step, `{String: ...}` or `{Regex: ...}`. */
export function readPattern(step: Options): Matcher {
  const pattern = step.raw('pattern');
  const [kind, text] = Object.entries(pattern ?? {})[0] ?? [];
  if (typeof text !== 'string' || (kind !== 'String' && kind !== 'Regex')) {
    throw step.wrong("expected 'pattern' to be {String: text} or {Regex: text}");
  }
  return kind === 'String' ? textMatcher(text) : regexMatcher(text, step);
}

/** Each occurrence of `sought`; an empty one is found at every place. */
export function textMatcher(sought: string): Matcher {
  if (sought === '') return matcherOf('(?:)');
  return (text) => {
    const places: number[] = [];
    for (let at = text.indexOf(sought); at >= 0; at = text.indexOf(sought, at + sought.length)) {
      places.push(at, at + sought.length);
    }
    return places;
  };
}

/** Each character of the set. */
export function characterMatcher(set: CodePoints): Matcher {
  return matcherOf(set.toPattern());
}

export function regexMatcher(pattern: string, step: Options): Matcher {
  try {
    return matcherOf(toJavaScript(pattern));
  } catch (error) {
    if (!(error instanceof Unreadable || error instanceof SyntaxError)) throw error;
    const reason = error instanceof Unreadable ? error.message : 'something that JavaScript refuses';
    throw step.wrong(
      `lamina cannot read ${reason} in the pattern ${JSON.stringify(pattern.slice(0, 200))}; use another tokenizer, or write the pattern without it`,
    );
  }
}

/** `source` is a JavaScript pattern for flag `u`. */
export function matcherOf(source: string): Matcher {
  const here = new RegExp(source, 'uy');
  const next = new RegExp(source, 'gu');
  return (text) => {
    const places: number[] = [];
    if (text === '') return places; // not even what matches nothing
    let [at, last] = [0, -1]; // where the search goes on, and where the last match ended
    while (at <= text.length) {
      here.lastIndex = at;
      let [begin, end] = [at, at];
      if (here.test(text)) {
        end = here.lastIndex;
      } else {
        next.lastIndex = at;
        const found = next.exec(text);
        if (found === null) break;
        begin = found.index;
        end = begin + found[0].length;
      }
      at = end;
      if (begin === end && last === end) {
        at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1; // nothing, right after a match, is no match
        continue;
      }
      places.push(begin, end);
      last = end;
    }
    return places;
  };
}
