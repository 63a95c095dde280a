// Parameters of the stages that let a model answer records. Light: planning reads this.
import { Type } from '../../schemas/type.ts';
import { batchSize, threads } from './options.ts';

/** Halves of a data set, drawn by the seed: what is chosen on the one is measured on the other. */
export const parts = ['all', 'first', 'second'] as const;

/** The parameters of stages that let a model answer records. */
export const decoding = {
  part: Type.Enum([...parts], {
    default: 'all',
    description:
      'which records: all, or one of two halves that the seed draws, to choose on the first and measure on the second',
  }),
  limit: Type.Optional(Type.Integer({ minimum: 1, description: 'only the first records of these' })),
  max_tokens: Type.Integer({
    minimum: 2,
    maximum: 131072,
    default: 64,
    description: 'tokens of an answer at most; T of a decay',
  }),
  batch_size: batchSize(
    1,
    'answers side by side; with early exit a batch goes on until all of it may stop, so that the number changes the answers',
  ),
  threads: threads(1),
};

/** What `decoding` gives. */
export interface DecodingParams {
  readonly part: (typeof parts)[number];
  readonly limit?: number;
  readonly max_tokens: number;
  readonly batch_size: number;
}
