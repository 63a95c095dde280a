// Credentials of a shared store: where they come from, and that nothing prints them; what 'lamina doctor' says of the place.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { laminaWith, toyWith } from './in-process.ts';
import { filesBelow, give, keys, machine, online, run, secret, sharedFolder } from './machines.ts';
import { type Ended, workFolder } from './program.ts';

test('nothing secret is printed or kept, whatever goes wrong', async () => {
  const { url, proxy } = await online();
  const folder = machine();
  const texts: string[] = [];
  const keep = ({ out, err }: Ended) => texts.push(out, err);
  proxy.plan = ({ count }) => (count % 3 === 0 ? { status: 403, code: 'SignatureDoesNotMatch' } : undefined);
  keep(await run(folder, '--remote', url));
  proxy.plan = () => ({ status: 403, code: 'InvalidAccessKeyId' });
  keep(await run(folder, '--remote', url, '--remote-required', '--set', 'number.value=9'));
  keep(await give(folder, 'push', 'toy.yaml', '--remote', url));
  keep(await give(folder, 'push', 'toy.yaml', '--remote', `s3://${keys.AWS_ACCESS_KEY_ID}:${secret}@results/x`));
  keep(
    await give(
      folder,
      'push',
      'toy.yaml',
      '--remote',
      `s3://results/x?endpoint=${encodeURIComponent(`http://me:${secret}@host`)}`,
    ),
  );
  const files = filesBelow(folder).map((path) => readFileSync(path, 'latin1'));
  expect(files.length).toBeGreaterThan(10);
  for (const text of [...texts, ...files]) {
    for (const value of Object.values(keys)) expect(text).not.toContain(value);
  }
  expect(texts.join('')).toContain('must not hold a user name or a password');
});

test('credentials and the endpoint come from a profile too', async () => {
  const { proxy } = await online();
  const home = workFolder();
  onTestFinished(() => home.remove());
  mkdirSync(join(home.path, '.aws'));
  writeFileSync(join(home.path, '.aws/credentials'), '[lab]\naws_access_key_id = id\naws_secret_access_key = key\n');
  writeFileSync(
    join(home.path, '.aws/config'),
    `[profile lab]\nregion = eu-central-1\nendpoint_url = ${proxy.endpoint}\n`,
  );
  const env = { HOME: home.path, AWS_PROFILE: 'lab', LAMINA_REMOTE: 's3://results/lamina' };
  const ended = await toyWith(env, machine(), 'run', 'toy.yaml', '--json');
  expect(ended).toMatchObject({ code: 0, err: '' });
  const none = await toyWith({ ...env, AWS_PROFILE: 'lba' }, machine(), 'run', 'toy.yaml');
  expect(none).toMatchObject({
    code: 2,
    err: `error  there is no profile 'lba' (AWS_PROFILE) in ~/.aws/credentials or ~/.aws/config\n`,
  });
});

describe('lamina doctor', () => {
  const doctor = (env: NodeJS.ProcessEnv, ...words: string[]) =>
    laminaWith(env, machine(), 'doctor', '--backend', 'cpu', '--json', ...words);
  const remoteIn = ({ out }: Ended) => JSON.parse(out).remote;

  test('says whether the shared store can be reached and what it can do', async () => {
    const { url, server } = await online();
    expect(remoteIn(await doctor(keys, '--remote', url))).toEqual({
      url,
      problem: null,
      used: false,
      unwritable: null,
      conditions: 'one-wins',
      credentials: 'AWS_ACCESS_KEY_ID',
      skew_ms: 0,
    });
    expect([...server.objects.keys()]).toEqual([]);
    const { folder } = sharedFolder();
    const gone = remoteIn(await doctor({}, '--remote', `file://${folder}/none`));
    expect(gone.problem).toContain('there is no such folder: is its disk mounted?');
    expect(remoteIn(await doctor({}))).toBeNull();
  });
});
