// Names made of axis values: escaped, so that two cells or two nodes can never share a name.

/** Percent-encodes what has a meaning in names (`% , = [ ]`), white space and control characters; injective. */
export function escapeName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are among those to escape
  return name.replace(/[%,=[\]\s\u0000-\u001f\u007f]/g, (character) => encodeCharacter(character));
}

function encodeCharacter(character: string): string {
  const bytes = Buffer.from(character, 'utf8');
  return [...bytes].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** The name of a cell: its values, in the order of the axes. */
export function cellName(values: readonly string[]): string {
  return values.map(escapeName).join(',');
}

/** `type=T_next,data=arxiv_math` */
export function cellLabel(pairs: readonly (readonly [axis: string, value: string])[]): string {
  return pairs.map(([axis, value]) => `${escapeName(axis)}=${escapeName(value)}`).join(',');
}
