// The value of --remote: a folder of a file system that several machines see, or a bucket.
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../util/errors.ts';

export type RemoteAddress = FolderAddress | BucketAddress;

export interface FolderAddress {
  kind: 'folder';
  /** Absolute. */
  folder: string;
}

export interface BucketAddress {
  kind: 's3';
  bucket: string;
  /** Without slashes at its ends; '' for the bucket's top. */
  prefix: string;
  /** Where the address names them; else the environment and the profile do. */
  endpoint: string | undefined;
  region: string | undefined;
}

const expected =
  'expected file:///FOLDER or s3://BUCKET/PREFIX?endpoint=URL&region=NAME as --remote (or in LAMINA_REMOTE)';

/** Reads an address. Throws UserError, which does not repeat what may be a secret. */
export function parseAddress(text: string): RemoteAddress {
  if (!URL.canParse(text)) throw new UserError(`${expected}, got '${text}'`);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    throw new UserError(
      '--remote must not hold a user name or a password: credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from a profile',
    );
  }
  if (url.hash !== '') throw new UserError(`${expected}, got '#' in it`);
  if (url.protocol === 'file:') return folderAddress(url, text);
  if (url.protocol === 's3:') return bucketAddress(url);
  throw new UserError(`${expected}, got '${url.protocol}'`);
}

function folderAddress(url: URL, text: string): FolderAddress {
  if (url.search !== '') throw new UserError(`a folder as --remote takes no parameters, got '${text}'`);
  try {
    const folder = fileURLToPath(url);
    if (isAbsolute(folder) && resolve(folder) !== '/') return { kind: 'folder', folder: resolve(folder) };
  } catch {
    // said below
  }
  throw new UserError(
    `expected the path of a folder with three slashes, file:///shared/lamina, as --remote, got '${text}'`,
  );
}

function bucketAddress(url: URL): BucketAddress {
  const bucket = url.host;
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(bucket)) {
    throw new UserError(`expected the name of a bucket after s3://, got '${bucket}'`);
  }
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  if (!/^[\w./-]*$/.test(prefix) || prefix.split('/').some((part) => /^\.{1,2}$/.test(part)) || prefix.includes('//')) {
    throw new UserError(
      `expected letters, digits, '.', '_', '-' and single slashes after s3://${bucket}/, got '${prefix}'`,
    );
  }
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'endpoint' && name !== 'region');
  if (unknown !== undefined)
    throw new UserError(`--remote takes the parameters 'endpoint' and 'region', got '${unknown}'`);
  const endpoint = url.searchParams.get('endpoint') || undefined;
  const region = url.searchParams.get('region') || undefined;
  if (region !== undefined) checkRegion(region, 'region of --remote');
  return {
    kind: 's3',
    bucket,
    prefix,
    endpoint: endpoint === undefined ? undefined : checkEndpoint(endpoint, "the parameter 'endpoint' of --remote"),
    region,
  };
}

/** An endpoint without a slash at its end. Throws UserError for one that is none, and for one with a password in it. */
export function checkEndpoint(text: string, whose: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw new UserError(`${whose} must not hold a user name or a password`);
  }
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (!isPlain) throw new UserError(`${whose} expects a URL such as 'https://s3.example.org', got '${text}'`);
  return url.href.replace(/\/+$/, '');
}

/** Throws UserError for what no region is called. */
export function checkRegion(text: string, whose: string): string {
  if (/^[\w-]{1,40}$/.test(text)) return text;
  throw new UserError(`${whose} expects a name such as 'eu-central-1', got '${text}'`);
}
