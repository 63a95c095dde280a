// How many records data sets give that are known or lie on this machine, for estimates before anything is read in full.
import type { DatasetFacts } from '../../contract/facts.ts';
import { knownRows } from '../../hub/known-datasets.ts';
import { isHubName, parseHubName } from '../../hub/name.ts';
import { splitCounts } from '../common/expected-facts.ts';
import { bytesPerToken } from '../costs/inputs.ts';
import type { DatasetParams } from './params.ts';
import type { Size } from './sampled-size.ts';

/** The parameters that decide how many records there are. */
type Asked = Pick<
  DatasetParams,
  'path' | 'eval_path' | 'sources' | 'columns' | 'limit' | 'eval_limit' | 'eval_fraction'
>;

/**
 * Records of both outputs, and the mean tokens of a record to learn from where some of them can be looked at; undefined while a source
 * is neither a known set of the hub nor a file that can be read. Duplicates are not known before.
 */
export async function knownRecords({ sources, ...params }: Asked): Promise<DatasetFacts | undefined> {
  const asked = sources?.map((source) => ({ ...source, eval_fraction: params.eval_fraction })) ?? [params];
  const parts: Part[] = [];
  for (const each of asked) {
    const part = await partOf(each);
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const sum = (key: 'train' | 'eval') => parts.reduce((total, part) => total + part[key], 0);
  const [train, held] = [sum('train'), sum('eval')];
  const bytes = parts.reduce((total, part) => total + part.train * part.record_bytes, 0);
  const tokens = bytes / bytesPerToken / train;
  return { train, eval: held, ...(Number.isFinite(tokens) && tokens > 0 && { record_tokens: Math.ceil(tokens) }) };
}

/** What one source gives. */
interface Part {
  readonly train: number;
  readonly eval: number;
  /** Mean bytes of a record; NaN where none was looked at, 0 where nothing in one has a name that is read. */
  readonly record_bytes: number;
}

async function partOf({
  path,
  eval_path,
  columns,
  limit,
  eval_limit,
  eval_fraction,
}: Asked): Promise<Part | undefined> {
  const all = await sizeOf(path, columns, limit);
  if (all === undefined) return undefined;
  const { records, record_bytes } = all;
  if (eval_path === undefined) return { ...splitCounts(records, { eval_fraction, eval_limit }), record_bytes };
  const held = await sizeOf(eval_path, columns, eval_limit ?? limit);
  return held && { train: records, eval: held.records, record_bytes };
}

async function sizeOf(
  path: string | undefined,
  columns: Asked['columns'],
  limit = Number.POSITIVE_INFINITY,
): Promise<Size | undefined> {
  if (path === undefined) return undefined;
  const size = isHubName(path) ? hubSize(path) : await (await import('./sampled-size.ts')).sampledSize(path, columns);
  return size && { ...size, records: Math.min(size.records, limit) };
}

function hubSize(path: string): Size | undefined {
  const name = parseHubName(path);
  if (typeof name === 'string' || name.type !== 'dataset') return undefined;
  const records = knownRows(name.repo, name.path);
  return records === undefined ? undefined : { records, record_bytes: Number.NaN };
}
