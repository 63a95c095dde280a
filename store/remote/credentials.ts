// Credentials and settings for S3, from the environment and the files that every program for it reads. None of them is ever printed.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { type BucketAddress, checkEndpoint, checkRegion } from './address.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string | undefined;
}

/** How a bucket is reached. */
export interface BucketSettings {
  /** Undefined: the bucket's own host at Amazon. */
  endpoint: string | undefined;
  region: string;
  /** How often a request is made before it counts as failed; undefined where nobody says. */
  tries: number | undefined;
  /** Where the credentials come from, for people; undefined without any. */
  source: string | undefined;
  /** Read when they are needed, and again when they have expired; undefined without any: requests are not signed then. */
  credentials(): Credentials | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const largest_bytes = 2 ** 20;

/** What the address leaves open, from `env` and the profile. Throws UserError for a profile that is not there, or that needs another program. */
export function bucketSettings(address: BucketAddress, env: Environment = process.env): BucketSettings {
  const profile = profileOf(env);
  const endpoint = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.values.endpoint_url;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.values.region || 'us-east-1';
  const tries = env.AWS_MAX_ATTEMPTS || profile.values.max_attempts;
  return {
    endpoint: address.endpoint ?? (endpoint ? checkEndpoint(endpoint, 'AWS_ENDPOINT_URL') : undefined),
    region: address.region ?? checkRegion(region, 'AWS_REGION'),
    tries: tries ? checkTries(tries) : undefined,
    source: findCredentials(env)?.source,
    credentials: () => findCredentials(env)?.credentials,
  };
}

function checkTries(text: string): number {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  throw new UserError(`AWS_MAX_ATTEMPTS expects how often a request is made, 1 to 99, got '${text}'`);
}

function findCredentials(env: Environment): { credentials: Credentials; source: string } | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env;
  if (accessKeyId && secretAccessKey) {
    return { credentials: checked(accessKeyId, secretAccessKey, token), source: 'AWS_ACCESS_KEY_ID' };
  }
  if (accessKeyId || secretAccessKey) {
    const [set, missing] = accessKeyId
      ? ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
      : ['AWS_SECRET_ACCESS_KEY', 'AWS_ACCESS_KEY_ID'];
    throw new UserError(`${set} is set, but ${missing} is not: set both`);
  }
  const { name, values, isNamed } = profileOf(env);
  const { aws_access_key_id: id, aws_secret_access_key: secret, aws_session_token: session } = values;
  if (id && secret) return { credentials: checked(id, secret, session), source: `the profile '${name}'` };
  const other = ['sso_session', 'sso_start_url', 'credential_process', 'role_arn', 'web_identity_token_file'].find(
    (key) => values[key],
  );
  if (other !== undefined) {
    throw new UserError(
      `the profile '${name}' gets its credentials by '${other}', which lamina does not do: put them into the environment (aws configure export-credentials --format env)`,
    );
  }
  if (isNamed)
    throw new UserError(`the profile '${name}' (AWS_PROFILE) has no aws_access_key_id and aws_secret_access_key`);
  return undefined;
}

function checked(accessKeyId: string, secretAccessKey: string, sessionToken: string | undefined): Credentials {
  for (const value of [accessKeyId, secretAccessKey, sessionToken ?? '-']) {
    if (!/^[\x21-\x7e]+$/.test(value))
      throw new UserError('the credentials for S3 hold characters that none have; set them anew');
  }
  return { accessKeyId, secretAccessKey, sessionToken };
}

/** The profile's values from both files; those of the credentials file come first. */
function profileOf(env: Environment): { name: string; values: Record<string, string>; isNamed: boolean } {
  const name = env.AWS_PROFILE || 'default';
  const home = env.HOME || homedir();
  const credentials = sectionsOf(env.AWS_SHARED_CREDENTIALS_FILE || join(home, '.aws', 'credentials'));
  const config = sectionsOf(env.AWS_CONFIG_FILE || join(home, '.aws', 'config'));
  const found = [config.get(`profile ${name}`), config.get(name), credentials.get(name)];
  if (env.AWS_PROFILE && found.every((section) => section === undefined)) {
    throw new UserError(`there is no profile '${name}' (AWS_PROFILE) in ~/.aws/credentials or ~/.aws/config`);
  }
  return { name, values: Object.assign({}, ...found), isNamed: Boolean(env.AWS_PROFILE) };
}

/** The sections of an INI file; none where it is not there. */
function sectionsOf(path: string): Map<string, Record<string, string>> {
  const sections = new Map<string, Record<string, string>>();
  let section: Record<string, string> | undefined;
  for (const line of textOf(path).split(/\r?\n/)) {
    const [, head] = /^\s*\[\s*(.*?)\s*\]/.exec(line) ?? [];
    if (head !== undefined) {
      section = sections.get(head) ?? {};
      sections.set(head, section);
    }
    const [, key, value] = /^([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section !== undefined && key !== undefined && value !== undefined) section[key.toLowerCase()] = value;
  }
  return sections;
}

function textOf(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    return text.length <= largest_bytes ? text : '';
  } catch {
    return '';
  }
}
