// Where the dataset stage takes records from: generators and files, each readable twice.
import type { StageContext } from '../../contract/stage.ts';
import { countRecords, readRecords } from '../../formats/records/records.ts';
import type { DataFile } from '../../hub/fetch-dataset.ts';
import { tinyTexts } from '../../tiny/text/tiny-texts.ts';
import { type Columns, formFields, type InstructionRecord, renamed, toRecord } from '../common/record-forms.ts';
import { dataFiles } from './data-files.ts';
import type { DatasetParams } from './params.ts';

/** Records that can be read twice, and the number of them if it can be had more cheaply than by reading. */
export interface Source {
  name: string;
  records(): Iterable<InstructionRecord> | AsyncIterable<InstructionRecord>;
  count(): Promise<number>;
}

/** What the generators of `params` write, one after the other. */
export function generated({ generate, generate_seed, records }: DatasetParams): Source {
  const names = generate === undefined ? [] : typeof generate === 'string' ? [generate] : generate;
  return {
    name: names.join(', '),
    records: () => generateAll(names, records, generate_seed),
    async count() {
      let count = 0;
      for (const _ of generateAll(names, records, generate_seed)) count++;
      return count;
    },
  };
}

function* generateAll(
  names: readonly (keyof typeof tinyTexts)[],
  records: number,
  seed: number,
): Generator<InstructionRecord> {
  for (const name of names) yield* tinyTexts[name].generate(records, seed);
}

/** The records of a file, a folder or a name on the hub. */
export async function fileSource(
  path: string,
  { form, columns }: { readonly form: string; readonly columns?: Columns | undefined },
  context: StageContext,
): Promise<Source> {
  const files = await dataFiles(path, context);
  return {
    name: path,
    async *records() {
      for (const file of files) yield* recordsOf(file, form, columns);
    },
    async count() {
      let count = 0;
      for (const file of files) count += await countRecords(file.path);
      return count;
    },
  };
}

async function* recordsOf(
  { name, path }: DataFile,
  form: string,
  columns: Columns | undefined,
): AsyncGenerator<InstructionRecord> {
  const fields = [...formFields, ...Object.values(columns ?? {})];
  for await (const { value, where } of readRecords(path, fields)) {
    yield toRecord(renamed(value, columns, where), form, where, `${name}${where.slice(path.length)}`);
  }
}

/** Files of two sources may have one name; the ids of their records may not: `1/...`, `2/...`. */
export function numbered(source: Source, number: number): Source {
  return {
    ...source,
    async *records() {
      for await (const record of source.records()) yield { ...record, id: `${number}/${record.id}` };
    },
  };
}

/** Conversations say which template they are read in, where it is not Tulu's. */
export function inTemplate(source: Source, template: DatasetParams['template'] = 'tulu'): Source {
  if (template === 'tulu') return source;
  return {
    ...source,
    async *records() {
      for await (const record of source.records()) yield 'messages' in record ? { ...record, template } : record;
    },
  };
}
