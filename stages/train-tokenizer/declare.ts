// train-tokenizer: a byte-level BPE tokenizer from the text of a data set.
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { object } from '../common/options.ts';
import { tokenizerCost } from '../costs/training.ts';

const params = object({
  vocab_size: Type.Integer({ minimum: 260, maximum: 262144, default: 1024, description: 'tokens, specials included' }),
});

export const trainTokenizer = declareStage({
  name: 'train-tokenizer',
  version: 1,
  summary: 'trains a byte-level BPE tokenizer and writes it as tokenizer.json',
  reference: 'Sennrich et al. 2016 (BPE), over bytes as in GPT-2',
  params,
  inputs: { data: { kind: 'dataset', summary: 'the records whose text it learns' } },
  outputs: { tokenizer: { kind: 'file', summary: 'tokenizer.json of Hugging Face', extension: 'json' } },
  numeric: false,
  seeded: false,
  expect: async ({ vocab_size }) => ({ vocab_size }),
  cost: tokenizerCost,
});
