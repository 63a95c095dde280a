// Which records may have been made from an artifact while its bytes were wrong.
import type { BlobRef } from './digest.ts';
import { inputDigests, type StoreRecord } from './record.ts';

/**
 * Those that read `artifact` on trust, after it was last known to be whole (`lastRead`, in ms since 1970; undefined: nobody knows when). All
 * others either read other bytes or had these read over before they began.
 */
export async function suspectsOf(
  records: AsyncIterable<StoreRecord>,
  { digest }: BlobRef,
  lastRead: number | undefined,
): Promise<StoreRecord[]> {
  const suspects: StoreRecord[] = [];
  for await (const record of records) {
    if (!record.trusted.includes(digest) || !inputDigests(record.preimage).includes(digest)) continue;
    if (lastRead === undefined || endOf(record) >= lastRead) suspects.push(record);
  }
  return suspects;
}

/** In ms since 1970; a time that cannot be read clears nobody. */
function endOf({ about }: StoreRecord): number {
  const end = about.finished === undefined ? Date.parse(about.started) + about.duration_ms : Date.parse(about.finished);
  return Number.isNaN(end) ? Number.POSITIVE_INFINITY : end;
}
