// The registry of the five generators: one line each, under the name that specs use.
import { arxivMath } from './arxiv-math.ts';
import { dialogsum } from './dialogsum.ts';
import { dolly } from './dolly.ts';
import { gpt4Alpaca } from './gpt4-alpaca.ts';
import { openorca } from './openorca.ts';
import type { TinyText } from './tiny-text.ts';

/** The five generators by name. */
export const tinyTexts: Readonly<Record<'arxiv_math' | 'dialogsum' | 'gpt4_alpaca' | 'dolly' | 'openorca', TinyText>> =
  {
    arxiv_math: arxivMath,
    dialogsum,
    gpt4_alpaca: gpt4Alpaca,
    dolly,
    openorca,
  };
