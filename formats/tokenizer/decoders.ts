// How tokens become text again: the steps under `decoder`.
import { fromByteLetters } from './byte-letters.ts';
import { readPattern } from './matcher.ts';
import { replacement } from './normalizers.ts';
import type { Options } from './options.ts';
import { prependScheme } from './pre-tokenizers.ts';

/** Texts of tokens, changed; joined in the end. */
export type Decode = (tokens: readonly string[]) => readonly string[];

/** The step that `step` describes; a UserError for one that lamina does not have. */
export function readDecoder(step: Options): Decode {
  return step.byType(kinds);
}

const kinds: Record<string, (step: Options) => Decode> = {
  BPEDecoder: (step) => {
    const suffix = step.text('suffix', '</w>');
    return (tokens) => tokens.map((token, i) => token.replaceAll(suffix, () => (i === tokens.length - 1 ? '' : ' ')));
  },
  ByteFallback: () => fallenBack,
  ByteLevel: () => {
    const known = new Map<string, Uint8Array>(); // at most one for each token of the vocabulary
    const bytes = (token: string) => known.get(token) ?? remember(known, token, bytesOf(token));
    return (tokens) => [utf8.decode(Buffer.concat(tokens.map(bytes)))];
  },
  CTC: ctc,
  Fuse: () => (tokens) => [tokens.join('')],
  Metaspace: (step) => {
    const mark = step.character('replacement', '▁');
    const prepended = prependScheme(step) !== 'never';
    return (tokens) => tokens.map((token, i) => token.replaceAll(mark, i === 0 && prepended ? '' : ' '));
  },
  Replace: (step) => {
    const replace = replacement(readPattern(step), step.text('content'));
    return (tokens) => tokens.map((token) => replace({ text: token, head: 0 }).text);
  },
  Sequence: (step) => {
    const decodes = step.steps('decoders').map(readDecoder);
    return (tokens) => decodes.reduce((changed, decode) => decode(changed), tokens);
  },
  Strip: (step) => strip(step.character('content'), step.whole('start', 0), step.whole('stop', 0)),
  WordPiece: (step) => {
    const [prefix, cleanup] = [step.text('prefix', '##'), step.flag('cleanup', true)];
    const joined = (token: string) => (token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
    const clean = cleanup ? cleaned : (token: string) => token;
    return (tokens) => tokens.map((token, i) => clean(i === 0 ? token : joined(token)));
  },
};

/** What is no character becomes U+FFFD. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

/** The bytes that a token is spelled with; of one that is not spelled so, its own. */
function bytesOf(token: string): Uint8Array {
  return Uint8Array.from(fromByteLetters(token) ?? Buffer.from(token));
}

function remember<K, V>(known: Map<K, V>, key: K, value: V): V {
  known.set(key, value);
  return value;
}

/** Runs of `<0x61>` become characters; if any of them is none, U+FFFD for each byte of the run. */
const fallenBack: Decode = (tokens) => {
  const out: string[] = [];
  let run: number[] = [];
  for (const token of [...tokens, undefined]) {
    const byte = /^<0x([0-9A-Fa-f]{2}|\+[0-9A-Fa-f])>$/.exec(token ?? '')?.[1];
    if (byte !== undefined) {
      run.push(Number.parseInt(byte, 16));
      continue;
    }
    if (run.length > 0) out.push(characters(run));
    run = [];
    if (token !== undefined) out.push(token);
  }
  return out;
};

function characters(bytes: readonly number[]): string {
  try {
    return strictUtf8.decode(Uint8Array.from(bytes));
  } catch {
    return '\ufffd'.repeat(bytes.length);
  }
}

/** Up to `start` times `content` off the front of each token, up to `stop` times off its end. */
function strip(content: string, start: number, stop: number): Decode {
  return (tokens) =>
    tokens.map((token) => {
      const all = Array.from(token);
      let [begin, end] = [0, all.length];
      while (begin < Math.min(start, all.length) && all[begin] === content) begin++;
      while (all.length - end < stop && end > 0 && all[end - 1] === content) end--;
      return all.slice(begin, Math.max(begin, end)).join('');
    });
}

/** Doubles and padding out, word delimiters made spaces. */
function ctc(step: Options): Decode {
  const [pad, delimiter] = [step.text('pad_token', '<pad>'), step.text('word_delimiter_token', '|')];
  const clean = step.flag('cleanup', true) ? (token: string) => cleaned(token).replaceAll(delimiter, () => ' ') : null;
  return (tokens) =>
    tokens
      .filter((token, i) => token !== tokens[i - 1])
      .map((token) => token.replaceAll(pad, () => ''))
      .map((token) => clean?.(token) ?? token)
      .filter((token) => token !== '');
}

/** Spaces that a tokenizer puts before signs, and marks of English, in the order in which they are mended. */
const cleanups = [
  ...[' .', ' ?', ' !', ' ,'].map((sign) => [sign, sign.slice(1)] as const),
  [" ' ", "'"],
  ...[" n't", " 'm"].map((end) => [end, end.slice(1)] as const),
  [' do not', " don't"],
  ...[" 's", " 've", " 're"].map((end) => [end, end.slice(1)] as const),
] as const;

function cleaned(token: string): string {
  return cleanups.reduce((now, [from, to]) => now.replaceAll(from, to), token);
}
