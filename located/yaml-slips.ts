// What to type where YAML itself is at fault: its own messages name rules, and not the slip of the hand.

/** A mistake that the YAML library found in `text`, at the index `at`. */
export interface Slip {
  code: string;
  message: string;
  text: string;
  at: number;
}

/** The slips that are known, each as a sentence where it fits; the first that fits is told. */
const slips: readonly ((slip: Slip, line: string) => string | undefined)[] = [
  indentedByTab,
  missingSpace,
  unquotedTemplate,
  notAKey,
  unevenIndent,
  colonInValue,
  leftOpen,
  reservedStart,
  comma,
];

/** What to type in the place of a slip; undefined where only YAML's own message is known. */
export function whatToType(slip: Slip): string | undefined {
  const line = lineAt(slip.text, slip.at);
  for (const sentenceOf of slips) {
    const sentence = sentenceOf(slip, line);
    if (sentence !== undefined) return sentence;
  }
  return undefined;
}

/** `model: models/tiny` for `model:models/tiny`; undefined for a text that is no key and value run together. */
export function withSpace(text: string): string | undefined {
  const [, key, value] = /^([A-Za-z_][\w.-]*):([^\s:/].*)$/.exec(text) ?? [];
  return key === undefined ? undefined : `${key}: ${value}`;
}

function lineAt(text: string, at: number): string {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const end = text.indexOf('\n', at);
  return text.slice(start, end < 0 ? undefined : end);
}

function indentedByTab({ code, text, at }: Slip, line: string): string | undefined {
  const lines = code === 'BAD_INDENT' ? [line, lineAbove(text, at)] : [line];
  const odd = lines.map((each) => /^ *([^\S ])/.exec(each)?.[1]).find((found) => found !== undefined);
  if (code === 'TAB_AS_INDENT' || odd === '\t') return 'a tab stands where the line is indented, type spaces';
  if (odd === undefined) return undefined;
  const point = (odd.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `U+${point}, which looks like a space, stands where the line is indented, type spaces`;
}

function missingSpace(_: Slip, line: string): string | undefined {
  const written = line.trim().replace(/^- +/, '');
  const meant = withSpace(written);
  return meant === undefined ? undefined : `a space is missing after the colon, type '${shortened(meant)}'`;
}

function unquotedTemplate({ text, at }: Slip): string | undefined {
  if (text[at - 1] !== '$' || text[at] !== '{') return undefined;
  const [name = '{...}'] = /^\{[^}\n]*\}/.exec(text.slice(at)) ?? [];
  return `within { } or [ ] an interpolation needs quotes, type "$${name}"`;
}

function notAKey({ code }: Slip, line: string): string | undefined {
  if (code !== 'MULTILINE_IMPLICIT_KEY') return undefined;
  const [, key, value] = /^([\w.-]+) *= *(.*)$/.exec(line.trim()) ?? [];
  const way = key === undefined ? '' : `, type '${shortened(`${key}: ${value}`)}'`;
  return `expected 'key: value', got '${shortened(line.trim())}'${way}`;
}

function unevenIndent({ message, text, at }: Slip, line: string): string | undefined {
  if (!message.startsWith('All mapping items')) return undefined;
  const list = [lineAbove(text, at), line].find((each) => /^ *- /.test(each));
  if (list !== undefined)
    return `a list and keys are mixed, type '${shortened(list.trim().replace(/^- +/, ''))}' without '- ', or '- ' before each`;
  return `the line is indented by ${indentOf(line)}, the keys beside it are not: indent the keys of one mapping alike`;
}

function lineAbove(text: string, at: number): string {
  const above = text.slice(0, Math.max(0, text.lastIndexOf('\n', at - 1))).trimEnd();
  return lineAt(above, above.length);
}

function indentOf(line: string): string {
  const spaces = line.length - line.trimStart().length;
  return spaces === 1 ? '1 space' : `${spaces} spaces`;
}

function colonInValue({ message }: Slip, line: string): string | undefined {
  if (!message.startsWith('Nested mappings')) return undefined;
  const [, key, value] = /^ *(?:- )?([\w.-]+): +([^"'{[].*: .*)$/.exec(line) ?? [];
  if (key !== undefined && value !== undefined)
    return `a value with ': ' in it needs quotes, type '${key}: "${shortened(value.replaceAll('"', '\\"'))}"'`;
  return `the key has a value already, and a mapping below it: indent the lines below as far as the key, or take the value away`;
}

function leftOpen({ message }: Slip): string | undefined {
  const [, end] = /end with a (.)$/.exec(message) ?? [];
  if (end !== undefined) return `'${end === '}' ? '{' : '['}' is not closed, type '${end}'`;
  const [, quote] = /^Missing closing (.)quote/.exec(message) ?? [];
  return quote === undefined ? undefined : `a text in ${quote} has no end, type ${quote} after it`;
}

function reservedStart({ message, text, at }: Slip): string | undefined {
  if (!message.startsWith('Plain value cannot start') && !message.startsWith('Anchor cannot be an empty'))
    return undefined;
  return `a value that begins with ${text[at]} needs quotes`;
}

function comma({ message, text, at }: Slip): string | undefined {
  if (/^Unexpected , in flow/.test(message)) return "a ',' too many";
  const [word] = /^[\w.-]+/.exec(text.slice(at)) ?? [];
  if (word === undefined) return undefined;
  if (message.startsWith('Missing , between flow'))
    return `a ',' is missing before '${word}', or a bracket above is not closed`;
  return message.startsWith('Unexpected scalar at node end')
    ? `a ',' or the end of a line is missing before '${word}'`
    : undefined;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
