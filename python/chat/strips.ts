// `strip`, `lstrip`, `rstrip` and the filter `trim` of chat templates with Python's meaning: the library strips JavaScript's white space,
// whatever characters it is told. In the parsed template they become calls of our own functions.
import { lstrip, rstrip, strip } from '../text.ts';

interface Node {
  type?: string;
  value?: unknown;
  [key: string]: unknown;
}

const names = { strip: 'lamina_strip', lstrip: 'lamina_lstrip', rstrip: 'lamina_rstrip', trim: 'lamina_strip' };

/** What the calls mean: the text, and the characters that are taken off its ends (white space where none are named). */
export const stripFunctions = {
  lamina_strip: stripping(strip),
  lamina_lstrip: stripping(lstrip),
  lamina_rstrip: stripping(rstrip),
};

function stripping(strip: (text: string, characters?: string) => string) {
  return (text: unknown, characters?: unknown): string => {
    if (text === undefined) return '';
    if (typeof text === 'string') return strip(text, typeof characters === 'string' ? characters : undefined);
    throw new Error('only a text can be stripped');
  };
}

/** Changes `tree`, a parsed template or a part of one, and gives what stands in its place. */
export function withPythonStrips<T>(tree: T): T {
  if (tree instanceof Map) {
    for (const [key, value] of tree) tree.set(withPythonStrips(key), withPythonStrips(value));
    return tree;
  }
  if (typeof tree !== 'object' || tree === null) return tree;
  const node = tree as Node;
  for (const [key, value] of Object.entries(node)) node[key] = withPythonStrips(value);
  return (methodCall(node) ?? filterCall(node) ?? node) as T;
}

/** `text.strip(characters)` */
function methodCall({ type, callee, args }: Node): Node | undefined {
  const { type: kind, object, property, computed } = (callee ?? {}) as Node;
  if (type !== 'CallExpression' || kind !== 'MemberExpression' || computed === true) return undefined;
  return callOf((property as Node).value, object, args);
}

/** `text | trim` and `text | trim(characters)` */
function filterCall({ type, operand, filter }: Node): Node | undefined {
  if (type !== 'FilterExpression') return undefined;
  const { type: kind, value, callee, args } = filter as Node;
  const name = kind === 'Identifier' ? value : (callee as Node).value;
  return name === 'trim' ? callOf(name, operand, args) : undefined;
}

function callOf(name: unknown, text: unknown, args: unknown): Node | undefined {
  if (typeof name !== 'string' || !Object.hasOwn(names, name)) return undefined;
  const callee = { type: 'Identifier', value: names[name as keyof typeof names] };
  return { type: 'CallExpression', callee, args: [text, ...((args as unknown[] | undefined) ?? [])] };
}
