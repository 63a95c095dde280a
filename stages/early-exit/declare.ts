// early-exit: when a model may stop before its last layer, as an artifact that decoding takes.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { parseExits } from '../../model/exits/exit-layers.ts';
import { checkExitRule, confidences, decays, type ExitRule, propagations } from '../../model/exits/exit-rule.ts';
import type { ParallelLayers } from '../../model/sharing/parallel-layers.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object } from '../common/options.ts';
import { lookingCost } from '../costs/copying.ts';

/** A classifier has to be trained: stage `train-exit-classifier` makes a description that asks one of one that does not. */
export const untrained = confidences.filter((name) => name !== 'classifier');

const params = object({
  exits: Type.Optional(
    Type.String({
      description: "layers after which a token may stop, such as '4,6,8'; instead of first_exit and exit_interval",
    }),
  ),
  first_exit: Type.Optional(
    Type.Integer({
      minimum: 1,
      description: 'the first of exits at equal steps up to the last layer but one (default: 1)',
    }),
  ),
  exit_interval: Type.Optional(
    Type.Integer({ minimum: 1, description: 'layers from one exit to the next (default: 1)' }),
  ),
  min_exit: Type.Integer({
    minimum: 1,
    default: 1,
    description:
      'no token stops below this layer; exits below it are passed, and looked at where the confidence compares states',
  }),
  confidence: Type.Enum([...untrained], {
    default: 'max_probability',
    description:
      'max_probability: largest softmax after the exit (LITE); gap: largest minus second (CALM); state: cosine between the states after this exit and the one before, 0 at the first; a classifier comes from train-exit-classifier, which takes this description',
  }),
  threshold: Type.Number({
    minimum: 0,
    maximum: 1,
    default: 0.9,
    description: 'lambda: a token stops where the confidence is at least this; 0 stops at the first exit',
  }),
  decay: Type.Enum([...decays], {
    default: 'none',
    description:
      'of the threshold in the course of a text, t of T tokens: paper 0.9 lambda + 0.1 exp(-tau t / T), at most 1; released 0.9 lambda + 0.1 lambda exp(-tau t / T)',
  }),
  tau: Type.Number({ minimum: 0, default: 4, description: 'how fast it falls' }),
  propagate: Type.Enum([...propagations], {
    default: 'exit',
    description:
      "of which state skipped layers make the token's keys and values: exit, where it stopped (the paper); first_exit, that of the first exit (what the released code hands on)",
  }),
});
export type EarlyExitParams = Static<typeof params>;

/** The rule that `params` mean for a model of `depth` layers. Throws UserError for exits that it cannot have. */
export function exitRule(params: EarlyExitParams, depth: number, parallel?: ParallelLayers): ExitRule {
  const { exits: listed, first_exit = 1, exit_interval = 1, ...rest } = params;
  const exits = listed === undefined ? stepped(first_exit, exit_interval, depth) : parseExits(listed, "'exits'");
  checkExitRule({ ...rest, exits }, depth, listed === undefined ? "'first_exit'" : "'exits'", parallel);
  return { ...rest, exits };
}

function stepped(first: number, interval: number, depth: number): number[] {
  if (first >= depth) {
    throw new UserError(
      `'first_exit': expected a layer from 1 to ${depth - 1} in a model of ${depth} layers, which ends after the last anyway, got ${first}`,
    );
  }
  return Array.from({ length: Math.ceil((depth - first) / interval) }, (_, i) => first + i * interval);
}

export const earlyExit = declareStage({
  name: 'early-exit',
  version: 1,
  summary: 'says after which layers a token may stop, by which confidence and from which threshold on',
  reference:
    'LITE (arXiv 2310.18581); CALM (arXiv 2207.07061), section 3, and its code (google-research/t5x@18f74b7, t5x/contrib/calm/models.py)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the model that is to stop early' },
    recovery: { kind: 'recovery', summary: 'what is replaced in it, where layers run side by side', optional: true },
  },
  outputs: { exit: { kind: 'exit', summary: 'the rule', extension: 'arrow' } },
  numeric: false,
  seeded: false,
  check({ exits, first_exit, exit_interval }) {
    if (exits === undefined) return;
    parseExits(exits, "'exits'");
    if (first_exit === undefined && exit_interval === undefined) return;
    const other = first_exit === undefined ? 'exit_interval' : 'first_exit';
    throw new UserError(
      `'exits' names the layers themselves, so '${other}' has no place beside it: leave one of them out`,
    );
  },
  async expect(params, { model, recovery }) {
    if (model?.layers === undefined) return undefined;
    const { exits, confidence } = exitRule(params, model.layers, recovery?.parallel as ParallelLayers | undefined);
    return { exits, confidence };
  },
  cost: lookingCost,
});
