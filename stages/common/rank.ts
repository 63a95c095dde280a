// The rank of recovery parameters as specs give it: a number, or the paper's share of a model's width.
import { Type } from '../../schemas/type.ts';

/** `scaled`: 400 at a width of 4,096, as SHARP has it for Llama-2-7b (arXiv 2502.07832, section 3), and in proportion at others. */
export type Rank = number | typeof scaled;

const scaled = 'scaled';
const paper = { rank: 400, width: 4096 };

const about = "'scaled': 400 / 4096 of the model's width, as in the paper";

/** The parameter `rank`, of at least `minimum`. */
export function rankParam(fallback: Rank, description: string, minimum = 1) {
  return Type.Union([Type.Integer({ minimum }), Type.Enum([scaled])], {
    default: fallback,
    description: `${description}; ${about}`,
  });
}

/** The rank at a width of `width`. */
export function rankAt(rank: Rank, width: number): number {
  return rank === scaled ? Math.max(1, Math.round((paper.rank * width) / paper.width)) : rank;
}
