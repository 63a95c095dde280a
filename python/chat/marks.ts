// `{% generation %}` ... `{% endgeneration %}`: transformers' tag around what the assistant says. The parser does not know it, so both ends
// print a character that no text has, and are found again in what was rendered.

/** Places in a text, `end` not included. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A conversation as text. */
export interface ChatText {
  readonly text: string;
  /** What `{% generation %}` marks; none where the template has no such tag. */
  readonly marked: readonly Span[];
}

const [opening, closing] = ['\ufdd0', '\ufdd1'];
const tag = /\{%[-+]?\s*generation\s*-?%\}/;

/** True where the template marks something. */
export function hasMarks(source: string): boolean {
  return tag.test(source);
}

/** True for a text that could be taken for a mark. */
export function holdsMark(text: string): boolean {
  return text.includes(opening) || text.includes(closing);
}

const either = /(\s*)\{%([-+]?)\s*(end)?generation\s*(-?)%\}(\s*)(?=(\{[%#])|)/g;

/**
 * The template with marks for tags. An expression stands where a block stood, so the white space that goes with a block is cut here:
 * what `-` asks for, else the line's end after it and the blanks of its line before it.
 */
export function markTemplate(source: string): string {
  return source.replace(either, (_, before: string, cut, end, cutAfter, after: string, block) => {
    const kept = cut === '-' ? '' : cut === '+' ? before : withoutBlanks(before);
    const rest = cutAfter === '-' ? '' : (block === undefined ? after : withoutBlanks(after)).replace(/^\n/, '');
    return `${kept}{{ '${end === undefined ? opening : closing}' }}${rest}`;
  });
}

/** Without the blanks between a line's begin and a block. */
function withoutBlanks(space: string): string {
  return space.replace(/\n[ \t]*$/, '\n');
}

/** The text without its marks, and where they were. */
export function cutMarks(rendered: string): ChatText {
  const marked: Span[] = [];
  let text = '';
  let start = -1;
  for (const part of rendered.split(/([\ufdd0\ufdd1])/)) {
    if (part === opening) start = text.length;
    else if (part === closing) marked.push({ start, end: text.length });
    else text += part;
  }
  return { text, marked };
}
