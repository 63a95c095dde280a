// text-agreement: how far the answers of one decoding are those of another, and right.
import { declareStage } from '../../contract/define.ts';
import { object } from '../common/options.ts';
import { lookingCost } from '../costs/copying.ts';

/** Lengths of runs of words that are compared. */
export const ngramLengths = [1, 2, 3, 4] as const;

export const textAgreement = declareStage({
  name: 'text-agreement',
  version: 1,
  summary:
    "compares the answers of a decoding with those of another (of the full model), and both with the records' own",
  reference:
    'LITE (arXiv 2310.18581), n-gram similarity; CALM (arXiv 2207.07061), section 4; ROUGE-L as the package rouge-score has it, without stemming',
  params: object({}),
  inputs: {
    texts: { kind: 'file', summary: "output 'texts' of decode" },
    reference: { kind: 'file', summary: "output 'texts' of decode, of the same records with all layers" },
  },
  outputs: {
    metrics: {
      kind: 'metrics',
      summary:
        "agreement with the reference: exact, the share of answers with the same tokens; tokens, the mean share of tokens before the first that differs; rouge_l and ngram_1 to ngram_4, F-measures of words. answer_exact and answer_rouge_l: against the records' own answers, and reference_ the same of the reference",
      extension: 'json',
      fields: [
        'records',
        'exact',
        'tokens',
        'rouge_l',
        ...ngramLengths.map((n) => `ngram_${n}`),
        'answer_exact',
        'answer_rouge_l',
        'reference_answer_exact',
        'reference_answer_rouge_l',
      ],
    },
  },
  numeric: false,
  seeded: false,
  cost: lookingCost,
});
