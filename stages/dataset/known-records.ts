// How many records the known data sets of the hub give, for estimates before anything is downloaded.
import { knownRows } from '../../hub/known-datasets.ts';
import { isHubName, parseHubName } from '../../hub/name.ts';
import { splitCounts } from '../common/expected-facts.ts';
import type { DatasetParams } from './params.ts';

/** The parameters that decide how many records there are. */
type Asked = Pick<DatasetParams, 'path' | 'eval_path' | 'sources' | 'limit' | 'eval_limit' | 'eval_fraction'>;

/** Records of both outputs when the parameters name known data sets; duplicates are not known before. */
export function hubRecords(params: Asked): { train: number; eval: number } | undefined {
  const { path, eval_path, limit, eval_limit, eval_fraction } = params;
  if (params.sources !== undefined) return sumOfSources(params);
  const all = rowsOf(path, limit);
  if (all === undefined) return undefined;
  if (eval_path === undefined) return splitCounts(all, { eval_fraction, eval_limit });
  const held = rowsOf(eval_path, eval_limit ?? limit);
  return held === undefined ? undefined : { train: all, eval: held };
}

function sumOfSources({ sources, eval_fraction }: Asked): { train: number; eval: number } | undefined {
  const sum = { train: 0, eval: 0 };
  for (const { path, limit, eval_limit } of sources ?? []) {
    const limits = { ...(limit !== undefined && { limit }), ...(eval_limit !== undefined && { eval_limit }) };
    const part = hubRecords({ path, eval_fraction, ...limits });
    if (part === undefined) return undefined;
    sum.train += part.train;
    sum.eval += part.eval;
  }
  return sum;
}

function rowsOf(path: string | undefined, limit = Number.POSITIVE_INFINITY): number | undefined {
  const name = path !== undefined && isHubName(path) ? parseHubName(path) : '';
  if (typeof name === 'string' || name.type !== 'dataset') return undefined;
  const rows = knownRows(name.repo, name.path);
  return rows === undefined ? undefined : Math.min(rows, limit);
}
