// The work of dataset: read or generate, put into one form, drop duplicates, split by a seeded shuffle, write; in two passes.
import { createHash, type Hash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { JsonLinesWriter } from '../../formats/records/jsonl-writer.ts';
import { UserError } from '../../util/errors.ts';
import type { InstructionRecord } from '../common/record-forms.ts';
import { chooseAll, chooseSplit, type Drawing, fates, type Kept } from './choice.ts';
import type { dataset } from './declare.ts';
import type { DatasetParams } from './params.ts';
import { fileSource, generated, inTemplate, numbered, type Source } from './sources.ts';

type Context = ContextOf<typeof dataset>;

export async function makeDataset(context: Context): Promise<void> {
  const [unit] = context.units;
  const outputs = await Outputs.create(unit.outputs.train, unit.outputs.eval);
  try {
    for (const { source, chosen } of await partsOf(context)) {
      await copy({ source: inTemplate(source, context.params.template), chosen }, outputs, context);
    }
    await outputs.flush();
  } finally {
    await outputs.close();
  }
  await unit.done(outputs.facts());
}

/** A source, and what becomes of each of its records. */
interface Part {
  source: Source;
  chosen: Uint8Array;
}

async function partsOf(context: Context): Promise<Part[]> {
  const params = context.params;
  const { path, eval_path, limit, eval_limit } = params;
  if (params.sources !== undefined) return mixedParts(params.sources, params, context);
  const source = path === undefined ? generated(params) : await fileSource(path, params, context);
  const kept = await look(source, params, context);
  const drawing = drawingOf({ limit, eval_limit }, params, context);
  if (eval_path === undefined) return [{ source, chosen: chooseSplit(kept, drawing) }];
  const held = await fileSource(eval_path, params, context);
  const heldKept = await look(held, params, context);
  return [
    { source, chosen: chooseAll(kept, limit, drawing.seed, 'train') },
    { source: held, chosen: chooseAll(heldKept, eval_limit ?? limit, drawing.eval_seed, 'evaluation') },
  ];
}

function drawingOf(
  { limit, eval_limit }: { limit?: number | undefined; eval_limit?: number | undefined },
  { eval_fraction, eval_seed = 0 }: DatasetParams,
  { seed }: Context,
): Drawing {
  return { limit, eval_limit, eval_fraction, seed, eval_seed };
}

/** Every source by itself: limited, its duplicates dropped and a share set aside, as if it were alone. */
async function mixedParts(
  sources: NonNullable<DatasetParams['sources']>,
  params: DatasetParams,
  context: Context,
): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [i, { path, form, columns, ...limits }] of sources.entries()) {
    const source = await fileSource(path, { form, columns }, context);
    const kept = await look(source, params, context);
    const chosen = chooseSplit(kept, drawingOf(limits, params, context));
    parts.push({ source: numbered(source, i + 1), chosen });
  }
  return parts;
}

/** The first pass: how many records there are, and which of them are duplicates. */
async function look(source: Source, { drop_duplicates }: DatasetParams, context: Context): Promise<Kept> {
  const repeats = new Set<number>();
  if (!drop_duplicates) return { total: await source.count(), repeats };
  const seen = new Set<string>();
  let total = 0;
  for await (const record of source.records()) {
    const digest = bodyDigest(record);
    if (seen.has(digest)) repeats.add(total);
    seen.add(digest);
    await report(++total, 0, 'looking for duplicates', context);
  }
  return { total, repeats };
}

/** 96 bits: of ten million records, two different ones share them with a probability of 1e-15. */
function bodyDigest({ id: _, ...body }: InstructionRecord): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('base64').slice(0, 16);
}

/** The second pass: every record to where it belongs, in the order of the source. */
async function copy({ source, chosen }: Part, outputs: Outputs, context: Context): Promise<void> {
  let place = 0;
  for await (const record of source.records()) {
    const fate = chosen[place++];
    if (fate === fates.train) await outputs.train(record);
    if (fate === fates.evaluation) await outputs.evaluation(record);
    await report(place, chosen.length, 'writing', context);
  }
  if (place !== chosen.length) {
    throw new UserError(`'${source.name}' had ${chosen.length} records and then ${place}: it was changed; run again`);
  }
}

/** Records between two progress reports. */
const reportEvery = 2000;

async function report(done: number, total: number, note: string, context: Context): Promise<void> {
  if (done % reportEvery !== 0) return;
  context.progress({ done, total, of: 'record', note });
  await nextTurn(); // lets a message of the runner in
  context.signal.throwIfAborted();
}

/** The two files, and what is to be told of them. */
class Outputs {
  readonly #train: JsonLinesWriter<InstructionRecord>;
  readonly #evaluation: JsonLinesWriter<InstructionRecord>;
  readonly #counts = { train: 0, eval: 0 };
  /** What the paper's split cannot be checked by and ours can: a digest of the evaluation ids, in order. */
  readonly #ids: Hash = createHash('sha256');

  private constructor(train: JsonLinesWriter<InstructionRecord>, evaluation: JsonLinesWriter<InstructionRecord>) {
    this.#train = train;
    this.#evaluation = evaluation;
  }

  static async create(train: string, evaluation: string): Promise<Outputs> {
    return new Outputs(await JsonLinesWriter.create(train), await JsonLinesWriter.create(evaluation));
  }

  train(record: InstructionRecord): Promise<void> {
    this.#counts.train++;
    return this.#train.write(record);
  }

  evaluation(record: InstructionRecord): Promise<void> {
    this.#ids.update(this.#counts.eval++ === 0 ? record.id : `\n${record.id}`);
    return this.#evaluation.write(record);
  }

  facts() {
    return { ...this.#counts, eval_ids_sha256: this.#ids.digest('hex') };
  }

  async flush(): Promise<void> {
    await this.#train.flush();
    await this.#evaluation.flush();
  }

  async close(): Promise<void> {
    await this.#train.close();
    await this.#evaluation.close();
  }
}
