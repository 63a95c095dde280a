// One request to an S3 server: signed, tried again where that may help, and with errors that say no more than they may.

import { networkReason } from '../../hub/errors.ts';
import { pause, readBody } from '../../hub/request.ts';
import { UserError } from '../../util/errors.ts';
import { sha256 } from '../digest.ts';
import type { BucketAddress } from './address.ts';
import { type Patience, RemoteError } from './bucket.ts';
import type { BucketSettings, Credentials } from './credentials.ts';
import { errorCode } from './s3-xml.ts';

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Below the bucket and the prefix; '' for the bucket. */
  name: string;
  /** For people: `read 'ac/...'`. */
  what: string;
  query?: Readonly<Record<string, string>>;
  headers?: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Statuses beside 2xx that are answers and no errors. */
  also?: readonly number[];
}

/** Of an answer that is read whole; listings have 1000 names at most, and are far smaller. */
const largestText_bytes = 2 ** 23;
/** A body may take so long for each byte, beside the time without any. */
const slowest_bytes_per_s = 16 * 1024;

const passingStatuses = [408, 409, 429, 500, 502, 503, 504];
const passingCodes = [
  'RequestTimeout',
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'ConditionalRequestConflict',
  'OperationAborted',
];
const skewed = 'RequestTimeTooSkewed';
const expired = ['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired'];

/** The server is asked for what it says of the time; then requests carry its time and not this machine's. */
export class S3Client {
  readonly name: string;
  readonly #address: BucketAddress;
  readonly #settings: BucketSettings;
  readonly #patience: Patience;
  readonly #now: () => number;
  #skew_ms = 0;
  #credentials: Credentials | undefined;

  constructor(address: BucketAddress, settings: BucketSettings, patience: Patience, now: () => number = Date.now) {
    this.name = ['s3:/', address.bucket, ...(address.prefix === '' ? [] : [address.prefix])].join('/');
    this.#address = address;
    this.#settings = settings;
    this.#patience = patience;
    this.#now = now;
    this.#credentials = settings.credentials();
  }

  get signal(): AbortSignal {
    return this.#patience.signal;
  }

  /** How far this machine's clock is from the server's, in ms, as far as that has stood in the way. */
  get skew_ms(): number {
    return this.#skew_ms;
  }

  /** The name of an object in the whole bucket. */
  inBucket(name: string): string {
    return this.#address.prefix === '' ? name : `${this.#address.prefix}/${name}`;
  }

  /** The server, the bucket and the prefix. */
  get place(): string {
    return `${this.#origin()}/${this.#address.prefix}`;
  }

  /** The other way round; undefined for what lies elsewhere. */
  fromBucket(key: string): string | undefined {
    const { prefix } = this.#address;
    if (prefix === '') return key;
    return key.startsWith(`${prefix}/`) ? key.slice(prefix.length + 1) : undefined;
  }

  /** Makes a request, and lets `read` take what it needs of the answer; both are tried again when they break off. */
  async ask<T>(request: S3Request, read: (response: Response) => Promise<T>): Promise<T> {
    const { tries, retry_ms, signal } = this.#patience;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#once(request, read);
      if ('value' in outcome) return outcome.value;
      const isMended = this.#mend(outcome);
      if (attempt >= tries || !(isMended || outcome.passes)) throw outcome.error;
      await pause(isMended ? 0 : retry_ms * 2 ** (attempt - 1), outcome.response, signal);
    }
  }

  /** The same, with the answer's text. */
  text(request: S3Request): Promise<string> {
    return this.ask(request, (response) => this.textOf(response));
  }

  /** An answer's body as text, of a bounded size. */
  async textOf(response: Response): Promise<string> {
    return (await this.bytesOf(response, largestText_bytes)).toString('utf8');
  }

  /** An answer's body, of a bounded size. */
  async bytesOf(response: Response, most_bytes: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of this.bodyOf(response)) {
      size += piece.byteLength;
      if (size > most_bytes)
        throw new RemoteError('wrong', `an answer of '${this.name}' has more than ${most_bytes} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  /** The pieces of an answer's body. Throws where nothing comes for long, or all of it takes too long. */
  async *bodyOf(response: Response): AsyncGenerator<Uint8Array> {
    const { stall_ms, signal } = this.#patience;
    const began_ms = performance.now();
    let size = 0;
    for await (const piece of readBody(response, { endpoint: this.#origin(), stall_ms }, signal)) {
      size += piece.byteLength;
      yield piece;
      if (performance.now() - began_ms > stall_ms + (size / slowest_bytes_per_s) * 1000) throw new Slow();
    }
    const length = response.headers.get('content-length');
    const isPlain = response.headers.get('content-encoding') === null;
    if (length !== null && isPlain && Number(length) !== size) throw new Slow('it broke off');
  }

  /** Sets right what the next try can do better; false where there is nothing of that kind. */
  #mend({ code, response }: Failed): boolean {
    if (code === skewed) {
      const server_ms = Date.parse(response?.headers.get('date') ?? '');
      const skew_ms = server_ms - this.#now();
      if (!Number.isFinite(skew_ms) || Math.abs(skew_ms - this.#skew_ms) < 60_000) return false;
      this.#skew_ms = skew_ms;
      return true;
    }
    if (code === undefined || !expired.includes(code)) return false;
    const fresh = this.#settings.credentials();
    const isNew = fresh !== undefined && fresh.sessionToken !== this.#credentials?.sessionToken;
    this.#credentials = fresh;
    return isNew;
  }

  async #once<T>(request: S3Request, read: (response: Response) => Promise<T>): Promise<{ value: T } | Failed> {
    const { signal } = this.#patience;
    let response: Response | undefined;
    try {
      response = await this.#send(request);
      if (response.ok || request.also?.includes(response.status)) return { value: await read(response) };
      const code = errorCode(await this.textOf(response));
      const { status } = response;
      const passes = passingStatuses.includes(status) || (code !== undefined && passingCodes.includes(code));
      return { error: this.#refusal(request, status, code, response), passes, code, response };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RemoteError || isOwn(error)) throw error;
      return { error: this.#unreachable(request, error), passes: true, code: undefined, response };
    } finally {
      response?.body?.cancel().catch(() => {}); // nothing is left of it when it was read
    }
  }

  async #send({ method, name, query = {}, headers = {}, body }: S3Request): Promise<Response> {
    const { stall_ms, signal } = this.#patience;
    const size = body?.byteLength ?? 0;
    const timer = new AbortController();
    const late = () => timer.abort(new Slow());
    const timeout = setTimeout(late, stall_ms + (size / slowest_bytes_per_s) * 1000);
    try {
      const path = name === '' ? '' : `/${this.inBucket(name)}`;
      const url = this.#origin() + path + queryText(query);
      const plain = {
        method,
        headers: { ...headers, 'x-amz-content-sha256': sha256(body ?? '') },
        ...(body && { body }),
      };
      const signed = await this.#signed(url, plain);
      return await fetch(signed.url, {
        method,
        headers: { ...signed.headers, 'accept-encoding': 'identity', 'user-agent': 'lamina' },
        ...(body && { body: body as NonNullable<RequestInit['body']> }),
        redirect: 'manual',
        signal: AbortSignal.any([signal, timer.signal]),
      });
    } finally {
      clearTimeout(timeout);
    }
  }

  /** Without credentials a request is made as anybody may make it. */
  async #signed(
    url: string,
    { method, headers, body }: { method: string; headers: Record<string, string>; body?: Uint8Array },
  ) {
    if (this.#credentials === undefined) return { url, headers };
    const { AwsV4Signer } = await import('aws4fetch');
    const { accessKeyId, secretAccessKey, sessionToken } = this.#credentials;
    const signer = new AwsV4Signer({
      method,
      url,
      headers,
      body: (body as RequestInit['body']) ?? null,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region: this.#settings.region,
      datetime: new Date(this.#now() + this.#skew_ms).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return { url: signed.url.href, headers: Object.fromEntries(signed.headers) };
  }

  /** Where the bucket is: below an endpoint, or a host of its own at Amazon. */
  #origin(): string {
    const { bucket } = this.#address;
    const { endpoint, region } = this.#settings;
    return endpoint === undefined ? `https://${bucket}.s3.${region}.amazonaws.com` : `${endpoint}/${bucket}`;
  }

  /** The server's own words are not repeated: they may hold the key's name and what was signed. */
  #refusal({ what }: S3Request, status: number, code: string | undefined, response: Response): RemoteError {
    const tell = (trouble: RemoteError['trouble'], why: string) =>
      new RemoteError(trouble, `cannot ${what} in '${this.name}': ${why}`);
    const said = code === undefined ? `status ${status}` : code;
    const { source } = this.#settings;
    if (code === skewed) return tell('wrong', "this machine's clock is wrong (RequestTimeTooSkewed): set it right");
    if (code === 'NoSuchBucket') return tell('wrong', 'there is no such bucket: make it, or check the name');
    if (status === 501 || code === 'NotImplemented') return tell('unable', `the server cannot do that (${said})`);
    if (status === 301 || status === 307 || code === 'AuthorizationHeaderMalformed') {
      const region = response.headers.get('x-amz-bucket-region');
      const other = region !== null && /^[\w-]{1,40}$/.test(region) ? `: it is in the region '${region}'` : '';
      return tell('wrong', `the bucket is elsewhere (${said})${other}; add ?region=NAME to --remote`);
    }
    if (status === 401 || status === 403 || (status === 400 && code !== undefined && expired.includes(code))) {
      const way =
        source === undefined
          ? 'there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE'
          : `check what the credentials (from ${source}) may do`;
      return tell('refused', `the server refuses it (${said}); ${way}`);
    }
    return tell(passingStatuses.includes(status) ? 'unreachable' : 'wrong', `the server answers ${said}`);
  }

  #unreachable({ what }: S3Request, error: unknown): RemoteError {
    const host = new URL(this.#origin()).host;
    const reason = error instanceof Slow ? error.message : networkReason(error);
    return new RemoteError('unreachable', `cannot ${what} in '${this.name}' at '${host}': ${reason}`, error);
  }
}

interface Failed {
  error: RemoteError;
  passes: boolean;
  code: string | undefined;
  response: Response | undefined;
}

/** Too slow to be waited for, or broken off. */
class Slow extends Error {
  constructor(message = 'it is too slow') {
    super(message);
  }
}

/** A full disk, a file that was changed: nothing of the server's. What the network does comes as an error of the hub's. */
function isOwn(error: unknown): boolean {
  return error instanceof UserError && error.name !== 'UserError';
}

function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
