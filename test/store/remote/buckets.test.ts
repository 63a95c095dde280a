// The buckets that need nothing but Node.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderBucket } from '../../../store/remote/folder-bucket.ts';
import { s3Bucket } from '../../../store/remote/s3-bucket.ts';
import { bucketConformance, patience } from './bucket-conformance.ts';
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
