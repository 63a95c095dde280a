// Where the hub and its cache are, by the environment variables that Python's huggingface_hub goes by.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../util/errors.ts';

/** How the hub is reached. Nothing of it enters a cache key. */
export interface HubSettings {
  /** Without a slash at the end: `https://huggingface.co`. */
  endpoint: string;
  /** The folder that holds `models--org--name`. */
  cache: string;
  /** True: no network, only the cache. */
  offline: boolean;
  /** The access token, read when it is needed; undefined without one. Never printed. */
  token(): string | undefined;
  /** The first pause before a request is tried again; each further one is twice as long. */
  retry_ms: number;
  /** A request without an answer, and a download without a byte, for this long has failed. */
  stall_ms: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** The settings that `env` gives. Throws UserError for an endpoint that is no http(s) URL. */
export function hubSettings(env: Environment = process.env): HubSettings {
  const home = folderOf(env.HF_HOME) ?? join(folderOf(env.XDG_CACHE_HOME) ?? join(homedir(), '.cache'), 'huggingface');
  return {
    endpoint: endpointOf(env),
    cache: folderOf(env.HF_HUB_CACHE) ?? folderOf(env.HUGGINGFACE_HUB_CACHE) ?? join(home, 'hub'),
    offline: isOn(env.HF_HUB_OFFLINE) || isOn(env.TRANSFORMERS_OFFLINE),
    token: () => tokenOf(env, home),
    retry_ms: 500,
    stall_ms: 30_000,
  };
}

function endpointOf(env: Environment): string {
  const text = env.HF_ENDPOINT || 'https://huggingface.co';
  const { protocol, username, password } = URL.canParse(text) ? new URL(text) : ({} as Partial<URL>);
  if (username || password) {
    throw new UserError('HF_ENDPOINT must not hold a user name or a password; an access token belongs into HF_TOKEN');
  }
  if (protocol === 'https:' || protocol === 'http:') return text.replace(/\/+$/, '');
  throw new UserError(`HF_ENDPOINT expects a URL such as 'https://huggingface.co', got '${text}'`);
}

function folderOf(path: string | undefined): string | undefined {
  if (path === undefined || path === '') return undefined;
  return resolve(path.replace(/^~(?=\/|$)/, homedir()));
}

function isOn(value: string | undefined): boolean {
  return ['1', 'on', 'yes', 'true'].includes((value ?? '').toLowerCase());
}

function tokenOf(env: Environment, home: string): string | undefined {
  if (isOn(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  const given =
    env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || fileText(folderOf(env.HF_TOKEN_PATH) ?? join(home, 'token'));
  const token = given?.replace(/\s+/g, '');
  if (token === undefined || token === '') return undefined;
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new UserError('the access token (HF_TOKEN, or the token file) holds characters that no token has; set it anew');
}

function fileText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
