// Two machines are two local stores over one shared place.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openFileStore } from '../../../store/file-store.ts';
import { cacheKey } from '../../../store/key.ts';
import { layoutOf } from '../../../store/layout.ts';
import type { StoreRecord } from '../../../store/record.ts';
import type { Bucket } from '../../../store/remote/bucket.ts';
import { folderBucket } from '../../../store/remote/folder-bucket.ts';
import { blobAt, recordAt } from '../../../store/remote/names.ts';
import { s3Bucket } from '../../../store/remote/s3-bucket.ts';
import { type SharedOptions, SharedStore } from '../../../store/remote/shared-store.ts';
import { findOne, type LocalStore } from '../../../store/store.ts';
import { emptyFolder, preimage, publish } from '../drafts.ts';
import { patience } from './bucket-conformance.ts';
import { type FaultyProxy, startProxy } from './faulty-proxy.ts';
import { addressAt, settingsAt } from './servers.ts';
import { startToy, type ToyServer } from './toy-s3.ts';

interface Machine {
  store: SharedStore;
  local: LocalStore;
  said: string[];
}

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function machine(
  bucket: Bucket,
  options: Partial<SharedOptions> & { folder?: string; mode?: 'read' } = {},
): Promise<Machine> {
  const { folder = emptyFolder(), mode = 'write', ...rest } = options;
  const local = await openFileStore(folder, { mode });
  const said: string[] = [];
  const store = new SharedStore(local, { bucket, say: (text) => said.push(text), signal: patience.signal, ...rest });
  closing.push(() => store.close());
  return { store, local, said };
}

function sharedFolder(): { folder: string; bucket: Bucket } {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  return { folder, bucket: folderBucket(folder, patience) };
}

interface Online {
  server: ToyServer;
  proxy: FaultyProxy;
  bucket: Bucket;
}

async function online(options = {}): Promise<Online> {
  const server = await startToy(options);
  const proxy = await startProxy(server.endpoint);
  closing.push(server.stop, proxy.stop);
  const address = addressAt(proxy.endpoint);
  return { server, proxy, bucket: s3Bucket(address, settingsAt(address), { ...patience, tries: 2 }) };
}

const key = cacheKey(preimage({ a: 1 }));
const outputs = { out: 'hello', curve: '[1]' };

/** The first machine publishes, and what it made is there. */
async function shared(bucket: Bucket): Promise<StoreRecord> {
  const { store } = await machine(bucket);
  const { record } = await publish(store, { a: 1 }, outputs);
  await store.settle();
  expect(store.unshared).toEqual([]);
  return record;
}

const out = (record: StoreRecord) => record.outputs.out as NonNullable<StoreRecord['outputs'][string]>;

describe('a second machine', () => {
  it('finds the record, and fetches an artifact when it is opened and not before', async () => {
    const { bucket } = sharedFolder();
    const record = await shared(bucket);
    const { store, local } = await machine(bucket);
    expect(await findOne(store, key, { out: { extension: 'txt' }, curve: { extension: 'txt' } })).toEqual({
      status: 'hit',
      record,
    });
    expect(await store.check(out(record), 'glance')).toBeUndefined();
    expect(local.has(out(record))).toBe(false);
    expect(readFileSync((await store.open(out(record))).path, 'utf8')).toBe('hello');
    expect(store.traffic).toEqual({ found: 1, fetched: 1, fetched_bytes: 5, shared: 0 });
    expect(await local.check(out(record), 'bytes')).toBeUndefined();
    expect(await findOne(local, key)).toEqual({ status: 'hit', record }); // it is here from now on
  });

  it('that only looks changes nothing of its own', async () => {
    const { bucket } = sharedFolder();
    const record = await shared(bucket);
    const folder = join(emptyFolder(), 'none');
    const { store } = await machine(bucket, { folder, mode: 'read' });
    expect((await findOne(store, key)).status).toBe('hit');
    expect(await store.check(out(record), 'use')).toBeUndefined();
    expect(existsSync(folder)).toBe(false);
  });

  it('asks for many keys by listings', async () => {
    const { bucket, server } = await online();
    await shared(bucket);
    const { store } = await machine(bucket);
    const keys = [key, ...Array.from({ length: 600 }, (_, i) => cacheKey(preimage({ b: i })))];
    const before = server.requests.length;
    const found = await store.find(keys.map((each) => ({ key: each })));
    expect(found.map(({ status }) => status)).toEqual(['hit', ...Array.from({ length: 600 }, () => 'miss')]);
    expect(server.requests.length - before).toBeLessThan(300); // 256 folders, the record, the marker
  });

  it('does not take a record whose outputs are not those of its stage', async () => {
    const { bucket } = sharedFolder();
    await shared(bucket);
    const { store } = await machine(bucket);
    expect((await findOne(store, key, { out: { extension: 'json' } })).status).toBe('miss');
  });
});

describe('what lies damaged in the shared place', () => {
  it('an artifact is refused, named, put aside and written anew by who makes it again', async () => {
    const { bucket, folder } = sharedFolder();
    const record = await shared(bucket);
    const path = join(folder, blobAt(out(record)));
    rmSync(path);
    writeFileSync(path, 'HELLO');
    const { store, local, said } = await machine(bucket);
    expect((await findOne(store, key)).status).toBe('hit');
    expect(await store.check(out(record), 'glance')).toBeUndefined(); // its size is right
    await store.open(out(record));
    expect(local.has(out(record))).toBe(false);
    const quarantine = layoutOf(store.folder).quarantine('');
    const [name] = readdirSync(quarantine);
    expect(readFileSync(join(quarantine, name as string), 'utf8')).toBe('HELLO');
    expect(said).toEqual([
      `'${blobAt(out(record))}' in '${bucket.name}' has other bytes than its name says: they are not used, and lie in '${join(quarantine, name as string)}'`,
    ]);
    expect(await store.check(out(record), 'glance')).toMatchObject({
      detail: `has other bytes than its name says in '${bucket.name}'`,
    });
    await publish(store, { a: 1 }, outputs);
    await store.settle();
    expect(readFileSync(path, 'utf8')).toBe('hello');
    expect(await store.check(out(record), 'glance')).toBeUndefined();
  });

  it('an artifact of another size is known at a glance', async () => {
    const { bucket, folder } = sharedFolder();
    const record = await shared(bucket);
    rmSync(join(folder, blobAt(out(record))));
    writeFileSync(join(folder, blobAt(out(record))), 'hello and more');
    const { store } = await machine(bucket);
    expect(await store.check(out(record), 'glance')).toBeDefined();
  });

  it('an artifact that is gone is gone', async () => {
    const { bucket, folder } = sharedFolder();
    const record = await shared(bucket);
    rmSync(join(folder, blobAt(out(record))));
    const { store, said } = await machine(bucket);
    expect((await findOne(store, key)).status).toBe('hit');
    expect(await store.check(out(record), 'glance')).toMatchObject({ detail: 'is gone' });
    expect(said).toEqual([]);
  });

  it('any bit of a record: it is a miss, told, and written anew with the result', async () => {
    const { bucket, folder } = sharedFolder();
    await shared(bucket);
    const path = join(folder, recordAt(key));
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged[whole.length >> 1] = (damaged[whole.length >> 1] as number) ^ 1;
    rmSync(path);
    writeFileSync(path, damaged);
    const { store, said } = await machine(bucket);
    expect(await findOne(store, key)).toEqual({ status: 'miss' });
    expect(said[0]).toMatch(/^the record 'ac\/.*' in 'file:.*: it is not used, and written anew with the result$/);
    await publish(store, { a: 1 }, outputs);
    await store.settle();
    expect(readFileSync(path)).toEqual(whole);
  });

  it('bytes that change on their way are asked for once more', async () => {
    const { bucket, proxy } = await online();
    const record = await shared(bucket);
    const { store, local, said } = await machine(bucket);
    let left = 1;
    proxy.plan = ({ method, path }) =>
      method === 'GET' && path.includes('/cas/') && left-- > 0 ? 'wrong-bytes' : undefined;
    await store.open(out(record));
    expect(local.has(out(record))).toBe(true);
    proxy.plan = ({ method, path }) => (method === 'GET' && path.includes('/cas/') ? 'wrong-bytes' : undefined);
    const other = record.outputs.curve as NonNullable<StoreRecord['outputs'][string]>;
    await store.open(other);
    expect(local.has(other)).toBe(false);
    expect(said).toHaveLength(1);
  });

  it('a marker of a later version, and a local store in its place, are refused', async () => {
    const { bucket, folder } = sharedFolder();
    await shared(bucket);
    writeFileSync(join(folder, 'later'), JSON.stringify({ format: 'lamina-shared-store', version: 2 }));
    rmSync(join(folder, 'lamina.json'));
    writeFileSync(join(folder, 'lamina.json'), readFileSync(join(folder, 'later')));
    const { store } = await machine(bucket);
    await expect(findOne(store, key)).rejects.toThrow(
      `'${bucket.name}' is a shared store of version 2, expected 1: use the lamina that wrote it`,
    );
    const own = await openFileStore(emptyFolder(), { mode: 'write' });
    const wrong = folderBucket(own.folder, patience);
    const { store: second } = await machine(wrong);
    await expect(findOne(second, key)).rejects.toThrow(
      `'${wrong.name}' is the local store of a project: name another folder with --remote`,
    );
  });
});

describe('a place of other things', () => {
  const holding = async (bucket: Bucket, ...names: string[]) => {
    for (const name of names) await bucket.write(name, Buffer.from('text'), 'always');
    return bucket;
  };
  const places = { 'a folder': async () => sharedFolder().bucket, 'a bucket': async () => (await online()).bucket };

  it.each(Object.entries(places))('is refused, to read and to write, and left as it is (%s)', async (_, open) => {
    const bucket = await holding(await open(), 'thesis.tex', 'figures/one.svg');
    const { store } = await machine(bucket);
    const sentence = `'${bucket.name}' is neither empty nor a shared store (it holds 'figures'): name a place of its own with --remote, such as '${bucket.name}/lamina'`;
    await expect(findOne(store, key)).rejects.toThrow(sentence);
    await expect(store.lease(key)).rejects.toThrow(sentence);
    expect(await bucket.top()).toEqual(['figures', 'thesis.tex']);
  });

  it.each(Object.entries(places))('is refused where its folders have names of ours (%s)', async (_, open) => {
    const bucket = await holding(await open(), 'logs/events', 'runs/one');
    const { store } = await machine(bucket);
    await expect(findOne(store, key)).rejects.toThrow(`is neither empty nor a shared store (it holds 'logs')`);
  });

  it('is none where the system alone has put something there', async () => {
    const { bucket, folder } = sharedFolder();
    mkdirSync(join(folder, 'lost+found'));
    writeFileSync(join(folder, '.DS_Store'), '');
    await shared(bucket);
    expect(await bucket.top()).toContain('lamina.json');
  });

  it.each(Object.entries(places))('is none that has lost its marker: it gets a new one (%s)', async (_, open) => {
    const bucket = await open();
    await shared(bucket);
    await bucket.remove('lamina.json');
    const { store } = await machine(bucket);
    expect((await findOne(store, key)).status).toBe('hit');
    await publish(store, { a: 2 }, outputs);
    await store.settle();
    expect(await bucket.top()).toContain('lamina.json');
  });
});

describe('two results of one key', () => {
  it('the first stays, the other lies beside it and is told', async () => {
    const { bucket, folder } = sharedFolder();
    const record = await shared(bucket);
    const { store, said } = await machine(bucket);
    await publish(store, { a: 1 }, { ...outputs, out: 'other' });
    await store.settle();
    expect(JSON.parse(readFileSync(join(folder, recordAt(key)), 'utf8')).outputs.out).toEqual(out(record));
    expect(readdirSync(join(folder, 'ac-alt', key.slice(0, 2)))).toHaveLength(1);
    expect(said).toEqual([
      `stage 'toy': '${bucket.name}' has another result of the same work, made on 'here'; both are kept, and this store goes on with its own`,
    ]);
  });

  it('with --force the new one stays', async () => {
    const { bucket, folder } = sharedFolder();
    await shared(bucket);
    const { store } = await machine(bucket);
    const { record } = await publish(store, { a: 1 }, { ...outputs, out: 'other' }, { replace: true });
    await store.settle();
    expect(JSON.parse(readFileSync(join(folder, recordAt(key)), 'utf8')).outputs.out).toEqual(out(record));
  });

  it('what was made of bytes that are found damaged is taken away there too', async () => {
    const { bucket, folder } = sharedFolder();
    const { store } = await machine(bucket);
    const large = Buffer.alloc(17 * 2 ** 20, 1);
    const first = await publish(store, { a: 1 }, { out: large });
    const { digest, size } = out(first.record);
    const second = await publish(
      store,
      { a: 2 },
      { out: 'made of it' },
      { inputs: { data: { digest, size } } as never, trusted: [digest], started: new Date(Date.now() + 60_000) },
    );
    await store.settle();
    const there = join(folder, recordAt(second.record.key));
    expect(existsSync(there)).toBe(true);
    const path = layoutOf(store.folder).blob({ digest, size });
    rmSync(path);
    writeFileSync(path, Buffer.alloc(17 * 2 ** 20, 2));
    const damage = await store.check({ digest, size }, 'bytes');
    expect(damage?.suspects.map(({ key: each }) => each)).toEqual([second.record.key]);
    expect(existsSync(there)).toBe(false);
    expect((await findOne(store, second.record.key)).status).toBe('miss');
    await store.open({ digest, size }); // the shared one is whole
    expect(await store.check({ digest, size }, 'bytes')).toBeUndefined();
  });
});

describe('leases', () => {
  it('are held by one machine until its result is there', async () => {
    const { bucket } = sharedFolder();
    const [one, two] = [await machine(bucket), await machine(bucket)];
    const lease = await one.store.lease(key);
    expect(lease?.isHeld()).toBe(true);
    expect(await two.store.lease(key)).toBeUndefined();
    await publish(one.store, { a: 1 }, outputs);
    lease?.release();
    await one.store.settle();
    const next = await two.store.lease(key);
    expect(next).toBeDefined();
    expect((await findOne(two.store, key)).status).toBe('hit');
    next?.release();
  });

  it('are given back with the result of a job that published by itself', async () => {
    const { bucket } = sharedFolder();
    const [one, two] = [await machine(bucket), await machine(bucket)];
    const lease = await one.store.lease(key);
    await publish(one.local, { a: 1 }, outputs); // another process, which knows of no shared store
    lease?.release();
    await one.store.settle();
    expect((await findOne(two.store, key)).status).toBe('hit');
  });

  it('of many who ask at once one gets it', async () => {
    const { bucket } = await online();
    const machines = await Promise.all(Array.from({ length: 6 }, () => machine(bucket)));
    const leases = await Promise.all(machines.map(({ store }) => store.lease(key)));
    expect(leases.filter((lease) => lease !== undefined)).toHaveLength(1);
  });

  it('a holder elsewhere that gives no sign of life is taken over, by one', async () => {
    const { bucket, folder } = sharedFolder();
    const dead = { id: 'dead', host: 'elsewhere', boot: 'b', space: 's', pid: 7, started: '1' };
    await bucket.write(`leases/${key}/1`, Buffer.from(JSON.stringify(dead)), 'always');
    const leaseTimes = { heartbeat_ms: 60_000, stale_ms: 0 };
    const machines = await Promise.all(Array.from({ length: 3 }, () => machine(bucket, { leaseTimes })));
    for (const { store } of machines) expect(await store.lease(key)).toBeUndefined(); // seen for the first time
    const leases = await Promise.all(machines.map(({ store }) => store.lease(key)));
    const [taken, ...more] = leases.filter((lease) => lease !== undefined);
    expect(more).toEqual([]);
    taken?.release();
    await Promise.all(machines.map(({ store }) => store.settle()));
    expect(await bucket.list(`leases/${key}/`)).toEqual([]);
    expect(readdirSync(join(folder, 'leases'))).toEqual([]);
  });

  it('a holder whose sign of life goes on is left alone', async () => {
    const { bucket } = sharedFolder();
    const living = { id: 'living', host: 'elsewhere', boot: 'b', space: 's', pid: 7, started: '1' };
    await bucket.write(`leases/${key}/1`, Buffer.from(JSON.stringify(living)), 'always');
    const { store } = await machine(bucket, { leaseTimes: { heartbeat_ms: 60_000, stale_ms: 0 } });
    for (let beat = 0; beat < 5; beat++) {
      await bucket.write('holders/living', Buffer.from(String(beat)), 'always');
      expect(await store.lease(key)).toBeUndefined();
    }
  });

  it.each([
    ['lets all of several writers win', { careless: true }],
    ['knows no conditional writes', { plain: true }],
  ])('are not taken where the server %s, which is said; records are written all the same', async (what, options) => {
    const { bucket } = await online(options);
    const [one, two] = [await machine(bucket), await machine(bucket)];
    const leases = [await one.store.lease(key), await two.store.lease(key)];
    expect(leases.every((lease) => lease !== undefined)).toBe(true);
    await publish(one.store, { a: 1 }, outputs);
    await one.store.settle();
    expect((await findOne(two.store, key)).status).toBe('hit');
    await publish(two.store, { a: 1 }, { ...outputs, out: 'other' });
    await two.store.settle();
    expect(one.said).toEqual([
      `'${bucket.name}' ${what}: records are written there without leases, so two runs at a time may do the same work twice`,
    ]);
    expect(two.said.at(-1)).toMatch(/has another result of the same work/);
  });
});

describe('a shared place that fails', () => {
  const refusing: FaultyProxy['plan'] = () => 503;

  it('is said once, and the local store is gone on with', async () => {
    const { bucket, proxy } = await online();
    await shared(bucket);
    proxy.plan = refusing;
    const { store, said } = await machine(bucket);
    expect(await findOne(store, key)).toEqual({ status: 'miss' });
    const requests = proxy.requests;
    expect((await store.lease(key))?.isHeld()).toBe(true);
    const { record, status } = await publish(store, { a: 1 }, outputs);
    expect(status).toBe('published');
    expect(await store.check(out(record), 'bytes')).toBeUndefined();
    await store.settle();
    expect(store.unshared).toEqual(['toy']);
    expect(proxy.requests).toBe(requests); // it is left alone
    expect(said).toEqual([
      `cannot read 'lamina.json' in '${bucket.name}': the server answers InternalError; going on with the local store alone`,
    ]);
  });

  it('stops the work where it is required', async () => {
    const { bucket, proxy } = await online();
    proxy.plan = refusing;
    const { store, said } = await machine(bucket, { required: true });
    await expect(findOne(store, key)).rejects.toThrow(
      `cannot read 'lamina.json' in '${bucket.name}': the server answers InternalError`,
    );
    await expect(store.lease(key)).rejects.toThrow('the server answers InternalError');
    expect(said).toEqual([]);
  });

  it('that comes back after its rest is used again', async () => {
    const { bucket, proxy } = await online();
    await shared(bucket);
    proxy.plan = refusing;
    const { store } = await machine(bucket, { rest_ms: 0 });
    expect((await findOne(store, key)).status).toBe('miss');
    proxy.plan = () => undefined;
    expect((await findOne(store, key)).status).toBe('hit');
  });

  it('during uploads leaves a whole store: no record is there without its artifacts', async () => {
    const { bucket, proxy, server } = await online();
    const { store } = await machine(bucket);
    await store.conditions();
    proxy.plan = ({ method, path }) => (method === 'PUT' && path.includes('/cas/') ? 'cut' : undefined);
    await publish(store, { a: 1 }, outputs);
    await store.settle();
    expect(store.unshared).toEqual(['toy']);
    expect([...server.objects.keys()].filter((name) => name.includes('/ac/'))).toEqual([]);
  });

  it('with answers that get lost and connections that are cut has everything in the end, once', async () => {
    const { proxy, server } = await online();
    const address = addressAt(proxy.endpoint);
    const bucket = s3Bucket(address, settingsAt(address), { ...patience, tries: 6 });
    const faults = ['lost', 'cut', 503] as const;
    proxy.plan = ({ count }) => (count % 3 === 0 ? faults[(count / 3) % 3] : undefined);
    const [one, two] = [await machine(bucket), await machine(bucket)];
    for (let i = 0; i < 10; i++) {
      const lease = await one.store.lease(cacheKey(preimage({ a: i })));
      expect(lease).toBeDefined();
      await publish(one.store, { a: i }, { out: `output ${i}` });
      lease?.release();
    }
    await one.store.settle();
    expect(one.store.unshared).toEqual([]);
    for (let i = 0; i < 10; i++) {
      const found = await findOne(two.store, cacheKey(preimage({ a: i })));
      if (found.status !== 'hit') throw new Error(found.status);
      expect(readFileSync((await two.store.open(out(found.record))).path, 'utf8')).toBe(`output ${i}`);
    }
    expect([...one.said, ...two.said]).toEqual([]);
    expect(proxy.faults).toBeGreaterThan(10);
    expect(
      [...server.objects.keys()].filter((name) => name.includes('/leases/') || name.includes('/holders/')),
    ).toEqual([]);
  });

  it('that may be read and not written is read, and that is said', async () => {
    const { bucket, proxy } = await online();
    const record = await shared(bucket);
    proxy.plan = ({ method }) => (method === 'PUT' ? { status: 403, code: 'AccessDenied' } : undefined);
    const { store, said } = await machine(bucket);
    expect((await store.lease(cacheKey(preimage({ a: 2 }))))?.isHeld()).toBe(true);
    expect((await findOne(store, key)).status).toBe('hit');
    expect(readFileSync((await store.open(out(record))).path, 'utf8')).toBe('hello');
    expect(said).toHaveLength(1);
    expect(said[0]).toContain(
      'the server refuses it (AccessDenied); check what the credentials (from AWS_ACCESS_KEY_ID) may do; what is made here is not shared',
    );
  });

  it('with another time of day is spoken to in its own', async () => {
    const { bucket, proxy } = await online();
    const ahead_ms = 3_600_000;
    const skewed = { status: 403, code: 'RequestTimeTooSkewed', date: new Date(Date.now() + ahead_ms) };
    proxy.plan = ({ count }) => (count === 1 ? skewed : undefined);
    await shared(bucket);
    expect(proxy.faults).toBe(1);
  });

  it('read-only: nothing is written and no lease is asked for', async () => {
    const { bucket, server } = await online();
    await shared(bucket);
    const before = server.requests.length;
    const { store } = await machine(bucket, { readOnly: true });
    expect((await findOne(store, key)).status).toBe('hit');
    const lease = await store.lease(cacheKey(preimage({ a: 2 })));
    await publish(store, { a: 2 }, outputs);
    lease?.release();
    await store.settle();
    expect(server.requests.slice(before).filter((line) => !/^(GET|HEAD) /.test(line))).toEqual([]);
  });
});

describe('uploads', () => {
  it('of an artifact that broke off are gone on with', async () => {
    const { server, proxy } = await online();
    const address = addressAt(proxy.endpoint);
    const bucket = s3Bucket(address, settingsAt(address), { ...patience, tries: 1 }, { part_bytes: 2 ** 20 });
    const { store } = await machine(bucket);
    await store.conditions();
    let parts = 0;
    proxy.plan = ({ query }) => (query.includes('partNumber') && ++parts > 4 ? 'cut' : undefined);
    const { record } = await publish(
      store,
      { a: 1 },
      { out: Buffer.from(Array.from({ length: 8 * 2 ** 20 }, (_, i) => (i >> 12) & 255)) },
    );
    await store.settle();
    expect(store.unshared).toEqual(['toy']);
    proxy.plan = () => undefined;
    const before = server.requests.length;
    const again = await machine(bucket, { folder: store.folder });
    await again.store.share(record);
    await again.store.settle();
    expect(again.store.unshared).toEqual([]);
    const sent = server.requests.slice(before).filter((line) => line.startsWith('PUT') && line.includes('partNumber'));
    expect(sent).toHaveLength(4);
  });

  it('wait where too many are under way', async () => {
    const { bucket, proxy } = await online();
    const { store } = await machine(bucket, { mostUploads: 2 });
    await store.conditions();
    proxy.plan = ({ method, path }) => (method === 'PUT' && path.includes('/cas/') ? 'hang' : undefined);
    await publish(store, { a: 1 }, { out: 'one' });
    await publish(store, { a: 2 }, { out: 'two' });
    let isDone = false;
    const third = publish(store, { a: 3 }, { out: 'three' }).then(() => {
      isDone = true;
    });
    expect(store.waiting).toBe(2);
    await proxy.stop(); // cuts all
    closing.splice(closing.indexOf(proxy.stop), 1);
    await third;
    expect(isDone).toBe(true);
    await store.settle();
    expect(store.unshared).toHaveLength(3);
  });
});
