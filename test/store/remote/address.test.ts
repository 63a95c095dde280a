// What --remote may say, and where credentials come from.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../store/remote/address.ts';
import { bucketSettings } from '../../../store/remote/credentials.ts';

describe('an address', () => {
  it.each([
    ['file:///shared/lamina', { kind: 'folder', folder: '/shared/lamina' }],
    ['file:///shared/with%20space/', { kind: 'folder', folder: '/shared/with space' }],
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '', endpoint: undefined, region: undefined }],
    [
      's3://bucket/a/b/?endpoint=http://127.0.0.1:9000/&region=eu-central-1',
      { kind: 's3', bucket: 'bucket', prefix: 'a/b', endpoint: 'http://127.0.0.1:9000', region: 'eu-central-1' },
    ],
  ])('%s is read', (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  const expected =
    'expected file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME as --remote (or in LAMINA_REMOTE)';
  it.each([
    ['/shared/lamina', `${expected}, got '/shared/lamina'`],
    ['https://host/bucket', `${expected}, got 'https:'`],
    [
      'file://shared/lamina',
      "expected the path of a folder with three slashes, file:///shared/lamina, as --remote, got 'file://shared/lamina'",
    ],
    [
      'file:///',
      "expected the path of a folder with three slashes, file:///shared/lamina, as --remote, got 'file:///'",
    ],
    ['s3://b', "expected the name of a bucket after s3://, got 'b'"],
    ['s3://bucket/a//b', "expected letters, digits, '.', '_', '-' and single slashes after s3://bucket/, got 'a//b'"],
    ['s3://bucket/a%2e', "expected letters, digits, '.', '_', '-' and single slashes after s3://bucket/, got 'a%2e'"],
    ['s3://bucket/?endpont=http://x', "--remote takes the parameters 'endpoint' and 'region', got 'endpont'"],
    [
      's3://bucket/?endpoint=host:9000',
      "the parameter 'endpoint' of --remote expects a URL such as 'https://s3.example.org', got 'host:9000'",
    ],
    ['s3://bucket/?region=a/b', "region of --remote expects a name such as 'eu-central-1', got 'a/b'"],
  ])('%s is refused', (text, sentence) => {
    expect(() => parseAddress(text)).toThrow(sentence);
  });
});

describe('credentials', () => {
  const home = mkdtempSync(join(tmpdir(), 'lamina-home-'));
  mkdirSync(join(home, '.aws'));
  writeFileSync(
    join(home, '.aws/credentials'),
    '# mine\n[default]\naws_access_key_id=one\naws_secret_access_key = two==\n\n[lab]\naws_access_key_id=three\naws_secret_access_key=four\naws_session_token=five\n',
  );
  writeFileSync(
    join(home, '.aws/config'),
    '[default]\nregion=eu-west-3\n[profile lab]\nregion = ap-south-1\nmax_attempts = 3\nendpoint_url = https://lab.example.org/\ns3 =\n  endpoint_url = https://nested.example.org\n[profile work]\nsso_session = it\n',
  );
  const address = { kind: 's3', bucket: 'bucket', prefix: '', endpoint: undefined, region: undefined } as const;
  const of = (env: Record<string, string>) => {
    const { endpoint, region, source, credentials } = bucketSettings(address, { HOME: home, ...env });
    return { endpoint, region, source, credentials: credentials() };
  };

  it('of the environment come first, then those of the profile', () => {
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: 'c' };
    expect(of(env)).toEqual({
      endpoint: undefined,
      region: 'eu-west-3',
      source: 'AWS_ACCESS_KEY_ID',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c' },
    });
    expect(of({})).toMatchObject({
      source: "the profile 'default'",
      credentials: { accessKeyId: 'one', secretAccessKey: 'two==' },
    });
    expect(of({ AWS_PROFILE: 'lab' })).toEqual({
      endpoint: 'https://lab.example.org',
      region: 'ap-south-1',
      source: "the profile 'lab'",
      credentials: { accessKeyId: 'three', secretAccessKey: 'four', sessionToken: 'five' },
    });
    expect(of({ AWS_REGION: 'us-west-2', AWS_ENDPOINT_URL: 'http://e' })).toMatchObject({
      region: 'us-west-2',
      endpoint: 'http://e',
    });
    expect(of({ HOME: '/nowhere' })).toEqual({
      endpoint: undefined,
      region: 'us-east-1',
      source: undefined,
      credentials: undefined,
    });
  });

  it('how often a request is made is said in the same places', () => {
    const triesOf = (env: Record<string, string>) => bucketSettings(address, { HOME: home, ...env }).tries;
    expect(triesOf({})).toBe(undefined);
    expect(triesOf({ AWS_PROFILE: 'lab' })).toBe(3);
    expect(triesOf({ AWS_PROFILE: 'lab', AWS_MAX_ATTEMPTS: '12' })).toBe(12);
  });

  it.each([
    [{ AWS_MAX_ATTEMPTS: '0' }, "AWS_MAX_ATTEMPTS expects how often a request is made, 1 to 99, got '0'"],
    [{ AWS_ACCESS_KEY_ID: 'a' }, 'AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not: set both'],
    [{ AWS_PROFILE: 'lba' }, "there is no profile 'lba' (AWS_PROFILE) in ~/.aws/credentials or ~/.aws/config"],
    [
      { AWS_PROFILE: 'work' },
      "the profile 'work' gets its credentials by 'sso_session', which lamina does not do: put them into the environment (aws configure export-credentials --format env)",
    ],
    [{ AWS_ENDPOINT_URL: 'http://u:p@host' }, 'AWS_ENDPOINT_URL must not hold a user name or a password'],
  ])('%o are refused', (env, sentence) => {
    expect(() => of(env as never)).toThrow(sentence);
  });
});
