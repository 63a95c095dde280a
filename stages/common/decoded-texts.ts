// The texts that stage decode wrote, read back: a file that anybody may have made.
import { readTextLines } from '../../formats/text/lines.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { DecodedText } from './decoded.ts';

/** Reads them. Throws UserError with the line for what is none of them. */
export async function readDecoded(path: string): Promise<DecodedText[]> {
  const texts: DecodedText[] = [];
  for await (const { text, line } of readTextLines(path, 'decoded texts')) {
    if (text !== '') texts.push(checked(parseJson(text, `${path}:${line}`), `${path}:${line}`));
  }
  return texts;
}

function checked(json: unknown, where: string): DecodedText {
  const { id, ids, text, answer, finish } = isObject(json) ? json : {};
  const isText = [id, text, answer, finish].every((each) => typeof each === 'string');
  if (isText && Array.isArray(ids) && ids.every(Number.isInteger)) return json as unknown as DecodedText;
  throw new UserError(`${where}: expected an answer of stage 'decode' with 'id', 'ids', 'text', 'finish' and 'answer'`);
}

/** Each text with the one of the same record in `reference`. Throws UserError where the records are not the same. */
export function pairedTexts(
  texts: readonly DecodedText[],
  reference: readonly DecodedText[],
): { readonly text: DecodedText; readonly reference: DecodedText }[] {
  if (texts.length === 0) throw new UserError("input 'texts' has no answers, expected one at least");
  const known = new Map(reference.map((each) => [each.id, each]));
  return texts.map((text) => {
    const other = known.get(text.id);
    if (other !== undefined) return { text, reference: other };
    throw new UserError(
      `record '${text.id}' of input 'texts' is not in input 'reference': expected decodings of the same records, with the same 'part' and 'limit'`,
    );
  });
}

/** True where both have the same tokens. */
export function sameTokens(a: Pick<DecodedText, 'ids' | 'finish'>, b: Pick<DecodedText, 'ids' | 'finish'>): boolean {
  return a.finish === b.finish && a.ids.length === b.ids.length && a.ids.every((token, i) => token === b.ids[i]);
}
