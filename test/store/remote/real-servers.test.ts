// The same buckets on real servers, also with a network between that does what networks do.
import { afterAll, describe } from 'vitest';
import { s3Bucket } from '../../../store/remote/s3-bucket.ts';
import { S3Client } from '../../../store/remote/s3-request.ts';
import { bucketConformance, patience } from './bucket-conformance.ts';
import { startProxy } from './faulty-proxy.ts';
import { absenceOfServers, addressAt, type S3Server, settingsAt, startMoto, startSeaweed } from './servers.ts';

const absence = await absenceOfServers();
if (absence !== undefined) console.warn(`skipped real S3 servers: ${absence}`);

describe.skipIf(absence !== undefined)('real servers', async () => {
  const servers: S3Server[] = absence === undefined ? await Promise.all([startMoto(), startSeaweed()]) : [];
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
  });

  for (const server of servers) {
    const open = (endpoint: string, close: () => Promise<void>) => async () => {
      const address = addressAt(endpoint);
      const settings = settingsAt(address);
      const client = new S3Client({ ...address, prefix: '' }, settings, patience);
      await client.text({ method: 'PUT', name: '', what: 'make the bucket' });
      return { bucket: s3Bucket(address, settings, patience, { part_bytes: 5 * 2 ** 20 }), close };
    };
    bucketConformance(
      server.name,
      open(server.endpoint, async () => {}),
      'one-wins',
    );

    // every fifth request comes to grief, in one way after the other
    const faults = ['cut', 503, 'lost', 500] as const;
    const proxy = await startProxy(server.endpoint, ({ count }) =>
      count % 5 === 0 ? faults[(count / 5) % 4] : undefined,
    );
    bucketConformance(`${server.name} behind a bad network`, open(proxy.endpoint, proxy.stop), 'one-wins');
  }
});
