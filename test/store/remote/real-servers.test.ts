// The same buckets on real servers, also with a network between that does what networks do.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFileStore } from '../../../store/file-store.ts';
import { s3Bucket } from '../../../store/remote/s3-bucket.ts';
import { S3Client } from '../../../store/remote/s3-request.ts';
import { SharedStore } from '../../../store/remote/shared-store.ts';
import { emptyFolder } from '../drafts.ts';
import { bucketConformance, patience } from './bucket-conformance.ts';
import { startProxy } from './faulty-proxy.ts';
import {
  absenceOfServers,
  addressAt,
  keys,
  readerKeys,
  type S3Server,
  settingsAt,
  startMoto,
  startSeaweed,
} from './servers.ts';

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

  const seaweed = servers.find(({ name }) => name === 'seaweedfs');
  describe.skipIf(seaweed === undefined)('what SeaweedFS checks', () => {
    const { endpoint = '' } = seaweed ?? {};
    const address = { ...addressAt(endpoint), prefix: '' };
    const bucketOf = (given = keys, now = Date.now) => s3Bucket(address, settingsAt(address, given), patience, { now });
    beforeAll(async () => {
      const client = new S3Client(address, settingsAt(address), patience);
      await client.text({ method: 'PUT', name: '', what: 'make the bucket' });
      await bucketOf().write('an/object', Buffer.from('hello'), 'always');
    });

    it('a wrong secret is refused, and nothing of it is said', async () => {
      const reading = bucketOf({ ...keys, secretAccessKey: 'wrong-secret' }).read('an/object', 10);
      await expect(reading).rejects.toThrow(
        `cannot read 'an/object' in 's3://${address.bucket}': the server refuses it (SignatureDoesNotMatch); check what the credentials (from AWS_ACCESS_KEY_ID) may do`,
      );
    });

    it('credentials that may only read do that', async () => {
      const bucket = bucketOf(readerKeys);
      expect((await bucket.read('an/object', 10))?.toString()).toBe('hello');
      await expect(bucket.write('an/object', Buffer.from('no'), 'always')).rejects.toMatchObject({
        trouble: 'refused',
      });
    });

    it.each([2, -2])('a clock that is %i hours off is set by the server', async (hours) => {
      const bucket = bucketOf(keys, () => Date.now() + hours * 3_600_000);
      expect((await bucket.read('an/object', 10))?.toString()).toBe('hello');
      expect(Math.round(bucket.skew_ms / 3_600_000)).toBe(-hours);
    });

    it('of many machines that ask for a lease at once one gets it', async () => {
      const said: string[] = [];
      const shared = { ...address, prefix: 'lamina' }; // beside the object above, which is no shared store's
      const stores = await Promise.all(
        Array.from({ length: 6 }, async () => {
          const local = await openFileStore(emptyFolder(), { mode: 'write' });
          return new SharedStore(local, {
            bucket: s3Bucket(shared, settingsAt(shared), patience),
            say: (text) => said.push(text),
            signal: patience.signal,
          });
        }),
      );
      for (const key of ['a'.repeat(64), 'b'.repeat(64), 'c'.repeat(64)]) {
        const leases = await Promise.all(stores.map((store) => store.lease(key)));
        expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
      }
      for (const store of stores) {
        store.close();
        await store.settle();
      }
      expect(said).toEqual([]);
    });

    it('a bucket that is not there is told', async () => {
      const elsewhere = { ...address, bucket: 'no-such-bucket' };
      const bucket = s3Bucket(elsewhere, settingsAt(elsewhere), patience);
      await expect(bucket.read('an/object', 10)).rejects.toThrow('there is no such bucket: make it, or check the name');
    });
  });
});
