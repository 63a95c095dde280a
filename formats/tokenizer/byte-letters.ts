// The letters that stand for bytes in byte-level vocabularies (Radford et al. 2019).

/** The printable letter of each byte, by byte (GPT-2's table). */
export function byteLetters(): string[] {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

const letters = byteLetters();
const bytes = new Map(letters.map((letter, byte) => [letter, byte]));
const encoder = new TextEncoder();

/** The letters of the bytes of `text`. */
export function toByteLetters(text: string): string {
  let spelled = '';
  for (const byte of encoder.encode(text)) spelled += letters[byte];
  return spelled;
}

/** The bytes that the letters of `text` stand for; undefined when one stands for none. */
export function fromByteLetters(text: string): number[] | undefined {
  const found: number[] = [];
  for (const letter of text) {
    const byte = bytes.get(letter);
    if (byte === undefined) return undefined;
    found.push(byte);
  }
  return found;
}
