// The buckets that need nothing but Node.
import { chmodSync, mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { folderBucket } from '../../../store/remote/folder-bucket.ts';
import { s3Bucket } from '../../../store/remote/s3-bucket.ts';
import { bucketConformance, patience } from './bucket-conformance.ts';
import { startProxy } from './faulty-proxy.ts';
import { addressAt, settingsAt } from './servers.ts';
import { startToy, type ToyOptions } from './toy-s3.ts';

bucketConformance(
  'a folder',
  async () => ({
    bucket: folderBucket(mkdtempSync(join(tmpdir(), 'lamina-shared-')), patience),
    close: async () => {},
  }),
  'one-wins',
);

const openToy = (options: ToyOptions) => async () => {
  const server = await startToy(options);
  const address = addressAt(server.endpoint);
  return { bucket: s3Bucket(address, settingsAt(address), patience, { part_bytes: 5 * 2 ** 20 }), close: server.stop };
};

bucketConformance('S3 in this process', openToy({}), 'one-wins');
bucketConformance('S3 that lets all writers win', openToy({ careless: true }), 'all-win');
bucketConformance('S3 without conditions', openToy({ plain: true }), 'unable');

it('a folder of a group stays one: what is written there is for whom the folder is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  chmodSync(folder, 0o2770);
  await folderBucket(folder, patience).write('ac/ab/record', Buffer.from('text'), 'unless-there');
  const modeOf = (path: string) => statSync(join(folder, path)).mode & 0o7777;
  expect([modeOf('ac'), modeOf('ac/ab'), modeOf('ac/ab/record')]).toEqual([0o2770, 0o2770, 0o440]);
});

it('a server that does not answer is not waited for without end', async () => {
  const server = await startToy();
  const proxy = await startProxy(server.endpoint, () => 'hang');
  const address = addressAt(proxy.endpoint);
  const bucket = s3Bucket(address, settingsAt(address), { ...patience, tries: 3, stall_ms: 30 });
  const host = new URL(proxy.endpoint).host;
  await expect(bucket.read('an/object', 10)).rejects.toThrow(
    `cannot read 'an/object' in 's3://${address.bucket}/some/where' at '${host}': it is too slow`,
  );
  await proxy.stop();
  await server.stop();
});
