// What a module of JavaScript or TypeScript imports, read from its text.

/** White space and comments, in one way only: a text that is all comments is not gone through again and again. */
const gap = String.raw`(?:\s|/\*(?:[^*]|\*(?!/))*\*/|//[^\n]*\n)*`;
const words = String.raw`(?:\bfrom|\bimport|\brequire|\bnew${gap}URL)`;
const pattern = new RegExp(`${words}${gap}(?:\\(${gap})?(['"\`])((?:(?!\\1)[^\\n\\\\])+)\\1`, 'g');

/**
 * The specifiers of all imports and re-exports, of dynamic ones with a literal, of `require` and of files beside a module
 * (`new URL('./words.json', import.meta.url)`). A text that only looks like one, in a comment say, is among them: what is taken for an
 * import without being one costs a run at worst, what is missed would hide a change.
 */
export function importsIn(text: string): string[] {
  const found = [...text.matchAll(pattern)].map((match) => match[2] as string);
  return [...new Set(found)].filter((specifier) => !specifier.includes('${'));
}
