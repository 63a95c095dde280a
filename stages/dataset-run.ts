// The work of dataset: read or generate, put into one form, drop duplicates, split by a seeded shuffle, write.
import { createHash } from 'node:crypto';
import { readRecords } from '../formats/records.ts';
import type { StageContext } from '../spec/stage.ts';
import { UserError } from '../util/errors.ts';
import { createRandom, shuffle } from '../util/random.ts';
import type { DatasetParams } from './dataset.ts';
import { type InstructionRecord, toRecord } from './record-forms.ts';
import { writeRecords } from './record-lines.ts';
import { tinyTexts } from './tiny-text/tiny-texts.ts';

export async function run(context: StageContext): Promise<void> {
  const params = context.params as DatasetParams;
  const [task] = context.tasks;
  if (task === undefined) return;
  const { train, evaluation } = await split(params, context.seed);
  await writeRecords(task.outputs.train as string, train);
  await writeRecords(task.outputs.eval as string, evaluation);
  await task.done({ train: train.length, eval: evaluation.length, eval_ids_sha256: idsDigest(evaluation) });
}

interface Split {
  train: InstructionRecord[];
  evaluation: InstructionRecord[];
}

async function split(params: DatasetParams, seed: number): Promise<Split> {
  const { path, eval_path, generate } = params;
  if ((path === undefined) === (generate === undefined)) {
    throw new UserError(
      "stage 'dataset' expects either 'path' (a file) or 'generate' (a generator), got both or neither",
    );
  }
  if (path === undefined) return splitByShuffle(await collect(generated(params), params), params, seed);
  const train = limited(await collect(read(path, params.form), params), params, seed);
  if (eval_path === undefined) return splitByShuffle(train, params, seed);
  const evaluation = limited(await collect(read(eval_path, params.form), params), params, seed);
  return { train, evaluation };
}

function* generated({ generate, generate_seed, records }: DatasetParams): Iterable<InstructionRecord> {
  const names = generate === undefined ? [] : typeof generate === 'string' ? [generate] : generate;
  for (const name of names) {
    yield* tinyTexts[name].generate(records, generate_seed);
  }
}

async function* read(path: string, form: string): AsyncIterable<InstructionRecord> {
  for await (const { value, where } of readRecords(path)) yield toRecord(value, form, where);
}

async function collect(
  source: Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>,
  { drop_duplicates }: DatasetParams,
): Promise<InstructionRecord[]> {
  const records: InstructionRecord[] = [];
  const seen = new Set<string>();
  for await (const record of source) {
    const { id: _, ...body } = record;
    const digest = drop_duplicates ? createHash('sha256').update(JSON.stringify(body)).digest('base64') : '';
    if (drop_duplicates && seen.has(digest)) continue;
    seen.add(digest);
    records.push(record);
  }
  return records;
}

function limited(records: InstructionRecord[], { limit }: DatasetParams, seed: number): InstructionRecord[] {
  if (limit === undefined || records.length <= limit) return records;
  return pick(records, shuffledIndices(records.length, 'limit', seed).slice(0, limit));
}

function splitByShuffle(records: InstructionRecord[], { eval_fraction }: DatasetParams, seed: number): Split {
  const order = shuffledIndices(records.length, 'split', seed);
  const held = eval_fraction === 0 ? 0 : Math.max(1, Math.round(records.length * eval_fraction));
  if (held >= records.length) {
    throw new UserError(
      `cannot set ${held} of ${records.length} records aside: expected more records, or an eval_path`,
    );
  }
  return { train: pick(records, order.slice(held)), evaluation: pick(records, order.slice(0, held)) };
}

function shuffledIndices(count: number, purpose: string, seed: number): number[] {
  return shuffle(
    Array.from({ length: count }, (_, i) => i),
    createRandom('dataset', purpose, seed),
  );
}

/** The records at `indices`, in file order: which ones is random, their order is not. */
function pick(records: InstructionRecord[], indices: number[]): InstructionRecord[] {
  return indices.sort((a, b) => a - b).map((index) => records[index] as InstructionRecord);
}

/** What the paper's split cannot be checked by and ours can: a digest of the evaluation ids, in order. */
function idsDigest(records: InstructionRecord[]): string {
  return createHash('sha256')
    .update(records.map((record) => record.id).join('\n'))
    .digest('hex');
}
