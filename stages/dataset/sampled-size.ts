// How large a data set on this machine is, told from the beginning of its files.
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { countRecords, readRecords, storesCount } from '../../formats/records/records.ts';
import { UserError } from '../../util/errors.ts';
import { formFields } from '../common/record-forms.ts';
import { localFiles } from './data-files.ts';

/** Records, and mean UTF-8 bytes of one: the values of the fields that some form reads. */
export interface Size {
  readonly records: number;
  readonly record_bytes: number;
}

/** Records of a file that are looked at; of a longer one, the rest is taken to be like them. */
const sampled = 2000;

/** The size of a file or a folder; undefined where it cannot be read: the run says why. */
export async function sampledSize(path: string): Promise<Size | undefined> {
  try {
    const files = await localFiles(path);
    let [records, bytes] = [0, 0];
    for (const file of files) {
      const size = await fileSize(file.path);
      records += size.records;
      bytes += size.records * size.record_bytes;
    }
    return { records, record_bytes: bytes / records };
  } catch (error) {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

async function fileSize(path: string): Promise<Size> {
  const { records, record_bytes, row_bytes } = await beginning(path);
  if (records < sampled) return { records, record_bytes };
  const rows = storesCount(path) ? await countRecords(path) : Math.round((await stat(path)).size / row_bytes);
  return { records: Math.max(records, rows), record_bytes };
}

/** The first records of a file; `row_bytes` is the mean of what one takes there. */
async function beginning(path: string): Promise<Size & { row_bytes: number }> {
  let [records, read, rows] = [0, 0, 0];
  const isTable = extname(path).toLowerCase() === '.csv'; // which has no names of fields in its rows
  for await (const { value } of readRecords(path, formFields)) {
    for (const field of new Set(formFields)) if (field in value) read += bytesOf(value[field]);
    rows += 1 + (isTable ? bytesOf(Object.values(value).join(',')) : bytesOf(value));
    if (++records === sampled) break;
  }
  return { records, record_bytes: read / records, row_bytes: rows / records };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
