import { declareStage } from '../../contract/define.ts';
import { UserError } from '../../util/errors.ts';
import { generatedRecords } from '../common/expected-facts.ts';
import { datasetCost } from '../costs/data.ts';
import { knownRecords } from './known-records.ts';
import { type DatasetParams, params } from './params.ts';

export const dataset = declareStage({
  name: 'dataset',
  version: 2,
  summary: 'reads or generates instruction records and splits them, by a seeded shuffle, into train and eval',
  reference: 'SHARP (arXiv 2502.07832), section 3.1: 1 % of each data set evaluates, 99 % recovers',
  params,
  inputs: {},
  outputs: {
    train: { kind: 'dataset', summary: 'recovery records, one JSON object per line', extension: 'jsonl' },
    eval: { kind: 'dataset', summary: 'evaluation records, one JSON object per line', extension: 'jsonl' },
  },
  numeric: false,
  seeded: true,
  check: checkSources,
  // nothing of the records decides how later stages split, so that their units are known before the records are
  expect: async (params) => generatedRecords(params) ?? (await knownRecords(params)) ?? {},
  cost: datasetCost,
});

function checkSources(params: DatasetParams): void {
  const { path, eval_path, sources, generate, limit, eval_limit, eval_fraction } = params;
  const given = Object.entries({ path, sources, generate }).filter(([, value]) => value !== undefined);
  if (given.length !== 1) {
    const got = given.length === 0 ? 'none' : given.map(([key]) => `'${key}'`).join(' and ');
    throw new UserError(
      `expected one of 'path' (a file), 'sources' (several) and 'generate' (a generator), got ${got}`,
    );
  }
  const asked = [eval_limit, ...(sources ?? []).map((source) => source.eval_limit)];
  if (eval_fraction === 0 && eval_path === undefined && asked.some((each) => each !== undefined)) {
    throw new UserError("'eval_limit' needs records for evaluation: an 'eval_path', or an 'eval_fraction' above 0");
  }
  if (sources === undefined) return;
  if (eval_path !== undefined) throw new UserError("'eval_path' belongs to 'path', not to 'sources'");
  if (limit !== undefined) throw new UserError("with 'sources' each source has a 'limit' of its own");
  if (eval_limit !== undefined) throw new UserError("with 'sources' each source has an 'eval_limit' of its own");
}
