// What stages take that make records.
import type { Cost, CostQuery } from '../../contract/stage.ts';
import { copying } from './copying.ts';
import { assumedLength, bytesPerToken } from './inputs.ts';

/** dataset: records of both outputs. */
export function datasetCost({ facts, record_tokens }: CostQuery): Cost | undefined {
  const records = typeof facts.train === 'number' ? facts.train + Number(facts.eval ?? 0) : facts.records;
  if (typeof records !== 'number') return undefined;
  const known = typeof facts.record_tokens === 'number' ? facts.record_tokens : undefined;
  const size_bytes = records * (known ?? record_tokens) * bytesPerToken;
  return {
    ...copying(size_bytes, size_bytes),
    ...(known === undefined ? { assumed: [assumedLength(record_tokens)] } : {}),
  };
}

/** task-data: records of a few hundred tokens, read once and written once. */
export function taskDataCost({ facts, record_tokens }: CostQuery): Cost {
  const known = typeof facts.records === 'number';
  const records = known ? Number(facts.records) : usualTaskRecords;
  const size_bytes = records * record_tokens * bytesPerToken;
  return {
    ...copying(size_bytes, size_bytes),
    assumed: [assumedLength(record_tokens), ...(known ? [] : [`${usualTaskRecords} records of all tasks`])],
  };
}

/** Records of the paper's 14 tasks that are scored: 29 thousand. */
const usualTaskRecords = 30_000;
