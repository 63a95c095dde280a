// Which special tokens are put round a text: the steps under `post_processor`.
import { isRecord } from '../text/strict-json.ts';
import type { Options } from './options.ts';

/** Lists of token ids, of one text before the first step, as they follow one another; joined in the end. */
export type Surround = (lists: readonly (readonly number[])[], addSpecialTokens: boolean) => (readonly number[])[];

/** The step that `step` describes; a UserError for one that lamina does not have. */
export function readPostProcessor(step: Options): Surround {
  return step.byType(kinds);
}

const kinds: Record<string, (step: Options) => Surround> = {
  BertProcessing: (step) => classified(step, false),
  ByteLevel: () => (lists) => [...lists], // it changes offsets only
  RobertaProcessing: (step) => classified(step, true),
  Sequence: (step) => {
    const processors = step.steps('processors').map(readPostProcessor);
    return (lists, add) => processors.reduce<(readonly number[])[]>((now, process) => process(now, add), [...lists]);
  },
  TemplateProcessing: template,
};

/** `cls` before the first list, `sep` behind each; RoBERTa has `sep` before the others too. */
function classified(step: Options, isRoberta: boolean): Surround {
  const [cls, sep] = [tokenId(step, 'cls'), tokenId(step, 'sep')];
  return (lists, add) => {
    if (!add) return [...lists];
    return lists.map((list, i) => [...(i === 0 ? [cls] : isRoberta ? [sep] : []), ...list, sep]);
  };
}

function tokenId(step: Options, name: string): number {
  const id = step.list(name)[1];
  if (isId(id)) return id;
  throw step.wrong(`expected '${name}' to be a token and its id`);
}

function isId(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0;
}

/** A place in a template: special tokens, or one of the texts. */
type Place = readonly number[] | 'A' | 'B';

function template(step: Options): Surround {
  const single = readPlaces(step, 'single');
  const pair = step.raw('pair') === undefined ? undefined : readPlaces(step, 'pair');
  if (single.includes('B')) throw step.wrong("the template 'single' asks for a second text");
  return (lists, add) => {
    const places = lists.length === 1 ? single : lists.length === 2 ? pair : undefined;
    if (places === undefined) throw step.wrong(`no template for what earlier steps made: ${lists.length} lists`);
    return places.flatMap((place) => {
      if (typeof place !== 'string') return add ? [place] : [];
      return [lists[place === 'A' ? 0 : 1] as readonly number[]];
    });
  };
}

function readPlaces(step: Options, name: string): Place[] {
  return step.list(name).map((place) => {
    const [kind, content] = Object.entries(place ?? {})[0] ?? [];
    const id = isRecord(content) ? content.id : undefined;
    if (kind === 'Sequence' && (id === 'A' || id === 'B')) return id;
    if (kind === 'SpecialToken' && typeof id === 'string') return specialIds(step, id);
    throw step.wrong(`expected '${name}' to be a list of {Sequence: ...} and {SpecialToken: ...}`);
  });
}

function specialIds(step: Options, id: string): readonly number[] {
  const tokens = step.raw('special_tokens');
  const token = isRecord(tokens) && Object.hasOwn(tokens, id) ? tokens[id] : undefined;
  const ids = isRecord(token) ? token.ids : undefined;
  if (Array.isArray(ids) && ids.every(isId)) return ids;
  throw step.wrong(`expected 'special_tokens' to have the ids of '${id}'`);
}
