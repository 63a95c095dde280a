import { readFileSync, writeFileSync, rmSync } from 'node:fs';
import { test } from 'vitest';
import { readRecords } from '../../formats/records.ts';
import { createCheckpoint, openCheckpoint } from '../../formats/checkpoint.ts';
import { UserError } from '../../util/errors.ts';
import { fixture } from './files.ts';
test('parquet fuzz', async () => {
  const whole = readFileSync(fixture('records.parquet')); let seed = 1; const rnd = (n: number) => { seed = (seed * 1103515245 + 12345) & 0x7fffffff; return seed % n; };
  let ok = 0, bad = 0, slow = 0;
  for (let k = 0; k < 3000; k++) {
    const b = Buffer.from(whole); for (let i = 0; i <= k % 3; i++) b[rnd(b.length)] = rnd(256);
    writeFileSync('/tmp/lamina/f.parquet', b);
    const t = performance.now();
    try { for await (const _ of readRecords('/tmp/lamina/f.parquet')); ok++; } catch (e) { if (!(e instanceof UserError)) throw e; bad++; }
    if (performance.now() - t > 500) { slow++; writeFileSync(`/tmp/lamina/slow${slow}.parquet`, b); }
  }
  console.log({ ok, bad, slow }, process.memoryUsage().rss / 2 ** 20);
}, 300000);
test('large', async () => {
  const rss0 = process.memoryUsage().rss;
  const t0 = performance.now();
  const w = await createCheckpoint('/tmp/lamina/big.arrow', {});
  const big = new Uint8Array(1200 * 2 ** 20); big[0] = 7; big[big.length - 1] = 9;
  await w.write('embed', 'F32', [300 * 1024, 1024], big); await w.close();
  const t1 = performance.now();
  const r = await openCheckpoint('/tmp/lamina/big.arrow'); const t2 = performance.now();
  const back = await r.readFloat32('embed'); console.log(back.length, new Uint8Array(back.buffer)[big.length - 1], r.location('embed'));
  console.log({ write: t1 - t0, open: t2 - t1, read: performance.now() - t2 }, (process.memoryUsage().rss - rss0) / 2 ** 20);
  await r.close(); rmSync('/tmp/lamina/big.arrow');
  const n = await createCheckpoint('/tmp/lamina/many.arrow', {}); for (let i = 0; i < 300; i++) await n.write(`t${i}`, 'F32', [64], new Uint8Array(256)); await n.close();
  const t3 = performance.now(); const m = await openCheckpoint('/tmp/lamina/many.arrow'); console.log('open 300', performance.now() - t3, m.tensors.size); await m.close();
}, 300000);
