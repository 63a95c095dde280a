// How large a data set on this machine is, told from the beginnings of its files.
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { countRecords, readRecords, storesCount } from '../../formats/records/records.ts';
import { UserError } from '../../util/errors.ts';
import { type Columns, formFields } from '../common/record-forms.ts';
import { localFiles } from './data-files.ts';

/** Records, and mean UTF-8 bytes of one: the values of the fields that some form reads. */
export interface Size {
  readonly records: number;
  readonly record_bytes: number;
}

/** What is looked at of all files together, at least a record of each; the rest of a longer one is taken to be like its beginning. */
const sampled = { records: 2000, bytes: 8 * 2 ** 20 };

/** The size of a file or a folder with the names of fields `columns`; undefined where it cannot be read: the run says why. */
export async function sampledSize(path: string, columns: Columns = {}): Promise<Size | undefined> {
  const fields = [...new Set(formFields.map((field) => columns[field] ?? field))];
  try {
    const files = await localFiles(path);
    const most = { records: sampled.records / files.length, bytes: sampled.bytes / files.length };
    let [records, bytes] = [0, 0];
    for (const file of files) {
      const size = await fileSize(file.path, fields, most);
      records += size.records;
      bytes += size.records * size.record_bytes;
    }
    return { records, record_bytes: bytes / records };
  } catch (error) {
    if (error instanceof UserError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}

async function fileSize(path: string, fields: readonly string[], most: typeof sampled): Promise<Size> {
  const { records, record_bytes, row_bytes, isWhole } = await beginning(path, fields, most);
  if (isWhole) return { records, record_bytes };
  const rows = storesCount(path) ? await countRecords(path) : Math.round((await stat(path)).size / row_bytes);
  return { records: Math.max(records, rows), record_bytes };
}

/** The first records of a file; `row_bytes` is the mean of what one takes there. */
async function beginning(
  path: string,
  fields: readonly string[],
  most: typeof sampled,
): Promise<Size & { row_bytes: number; isWhole: boolean }> {
  let [records, read, rows] = [0, 0, 0];
  const sizes = () => ({ records, record_bytes: read / records, row_bytes: rows / records });
  const isTable = extname(path).toLowerCase() === '.csv'; // which has no names of fields in its rows
  for await (const { value } of readRecords(path, fields)) {
    if (records >= most.records || rows >= most.bytes) return { ...sizes(), isWhole: false };
    for (const field of fields) if (field in value) read += bytesOf(value[field]);
    rows += 1 + (isTable ? bytesOf(Object.values(value).join(',')) : bytesOf(value));
    records++;
  }
  return { ...sizes(), isWhole: true };
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));
}
