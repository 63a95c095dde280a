// Texts from outside, made harmless for a terminal.

const longest = 2 ** 16;
/** Controls but tab and line end, marks that turn the direction of writing, and halves of characters. */
const harmful = /[\p{Cc}\u202a-\u202e\u2066-\u2069\p{Cs}]/gu;

/** `text` with control characters spelled out (`\x1b`), since a terminal obeys them, and cut where nobody reads on. */
export function printable(text: string): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}...` : text;
  return cut.replace(harmful, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  );
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
