// Stores with many small records, written at once: publishing them would take a minute.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { sha256 } from '../../store/digest.ts';
import { cacheKey } from '../../store/key.ts';
import { layoutOf } from '../../store/layout.ts';
import { recordOf, recordText } from '../../store/record.ts';
import { preimage } from './drafts.ts';

/** Writes `count` units of an experiment, each with an artifact of its own, into a store that is there; their keys. */
export function writeRecords(folder: string, experiment: string, count: number): string[] {
  const layout = layoutOf(folder);
  return Array.from({ length: count }, (_, i) => {
    const made = preimage({ experiment, i });
    const key = cacheKey(made);
    const text = `${experiment} ${i}`;
    const out = { digest: sha256(text), size: text.length, extension: 'txt' };
    const times = { started: '2026-01-01T00:00:00Z', finished: '2026-01-01T00:00:00Z', duration_ms: 5 };
    const names = { experiment, node: 'toy', stage: 'toy', cell: '', unit: `${i}` };
    const about = { ...names, ...times, peak_rss_bytes: 1, host: 'here', versions: {} };
    write(layout.blob(out), text);
    write(
      layout.record(key),
      recordText(recordOf({ key, preimage: made, outputs: { out }, trusted: [], facts: {}, about })),
    );
    return key;
  });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
