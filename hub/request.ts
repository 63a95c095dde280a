// One request to the hub: the token for the hub's own host only, redirects followed by hand, failures tried again.
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { HubUnreachable, isLasting, refusal, unreachable } from './errors.ts';
import type { HubSettings } from './settings.ts';

/** What a request needs beside its address. */
export interface RequestOptions {
  settings: HubSettings;
  /** What is asked for, as messages name it. */
  what: string;
  /** The repository's page below the endpoint: `org/name` or `datasets/org/name`. */
  page: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

const attempts = 5;
const mostRedirects = 5;
const longestPause_ms = 60_000;
const largestAnswer = 2 ** 26;
/** A listing has 1000 files a page. */
const mostPages = 400;

/** The answer to a GET, its status 2xx, or 416 where a range was asked for. Throws UserError otherwise. */
export async function request(url: string, options: RequestOptions): Promise<Response> {
  const { settings, what, page, signal } = options;
  if (settings.offline) throw new HubUnreachable('HF_HUB_OFFLINE forbids to ask the hub');
  for (let attempt = 1; ; attempt++) {
    const answer = await once(url, options);
    if (answer instanceof Response && (answer.ok || (answer.status === 416 && options.headers?.range))) return answer;
    const error = answer instanceof Response ? refusal(answer, what, page, settings) : answer.error;
    if (answer instanceof Response) await answer.body?.cancel();
    if (attempt === attempts || !mayPass(answer)) throw error;
    await pause(settings.retry_ms * 2 ** (attempt - 1), answer, signal);
  }
}

/**
 * `fetch` for @huggingface/hub, which takes answers on trust: as above, each read whole, of a bounded size and known to be JSON
 * of the given shape, and no more pages than any repository has.
 */
export function boundedFetch(shape: 'object' | 'list', options: RequestOptions): typeof fetch {
  let pages = 0;
  return async (input) => {
    if (++pages > mostPages) throw new UserError(`${options.what}: the hub's answer has more than ${mostPages} pages`);
    const { headers, body } = await readBounded(await request(String(input), options), options);
    if (shapeOf(body) === shape) return new Response(body, { headers });
    throw new UserError(
      `${options.what}: expected a JSON ${shape} as the hub's answer, got something else; check HF_ENDPOINT`,
    );
  };
}

function shapeOf(text: string): 'object' | 'list' | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return 'list';
    return isObject(value) ? 'object' : undefined;
  } catch {
    return undefined;
  }
}

/** A pause before the next try, as long as the server asks for within reason. */
export async function pause(ms: number, answer: unknown, signal: AbortSignal | undefined): Promise<void> {
  const asked = answer instanceof Response ? Number(answer.headers.get('retry-after') ?? 0) * 1000 : 0;
  const length = Math.min(Math.max(ms, Number.isFinite(asked) ? asked : 0), longestPause_ms);
  await sleep(length, undefined, { signal }).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
}

type Answer = Response | { error: UserError; lasting: boolean };

function mayPass(answer: Answer): boolean {
  return answer instanceof Response ? [408, 429, 500, 502, 503, 504].includes(answer.status) : !answer.lasting;
}

async function once(url: string, { settings, headers, signal }: RequestOptions): Promise<Answer> {
  let at = new URL(url);
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const answer = await ask(at, settings, headers, signal);
    const next = answer instanceof Response && isRedirect(answer.status) ? answer.headers.get('location') : null;
    if (next === null) return answer;
    await (answer as Response).body?.cancel();
    at = redirected(next, at);
  }
  throw new UserError(`'${new URL(url).host}' redirects more than ${mostRedirects} times; check HF_ENDPOINT`);
}

async function ask(url: URL, settings: HubSettings, headers = {}, signal?: AbortSignal): Promise<Answer> {
  const timer = new AbortController();
  const timeout = setTimeout(
    () => timer.abort(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })),
    settings.stall_ms,
  );
  const signals = signal === undefined ? [timer.signal] : [timer.signal, signal];
  try {
    return await fetch(url, {
      headers: { 'user-agent': 'lamina', ...headers, ...authorization(url, settings) },
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    signal?.throwIfAborted();
    return { error: unreachable(url.href, error), lasting: isLasting(error) };
  } finally {
    clearTimeout(timeout);
  }
}

/** The token goes to the hub alone: what the hub redirects to has addresses that are signed. */
function authorization(url: URL, settings: HubSettings): Record<string, string> {
  if (url.origin !== new URL(settings.endpoint).origin) return {};
  const token = settings.token();
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function redirected(location: string, from: URL): URL {
  const refuse = (why: string) => new UserError(`'${from.host}' redirects to ${why}; check HF_ENDPOINT`);
  if (!URL.canParse(location, from.href)) throw refuse('an address that is none');
  const to = new URL(location, from);
  if (to.protocol !== 'https:' && to.protocol !== 'http:') throw refuse(`an address that begins with '${to.protocol}'`);
  if (from.protocol === 'https:' && to.protocol === 'http:') throw refuse('an address without encryption');
  return to;
}

async function readBounded(
  response: Response,
  { what, settings, signal }: RequestOptions,
): Promise<{ headers: Headers; body: string }> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of readBody(response, settings, signal)) {
    length += part.byteLength;
    if (length > largestAnswer) throw new UserError(`${what}: the hub's answer is longer than ${largestAnswer} bytes`);
    parts.push(part);
  }
  return { headers: response.headers, body: Buffer.concat(parts).toString() };
}

/** The body in pieces. Throws HubUnreachable when it breaks off or nothing comes for long. */
export async function* readBody(
  response: Response,
  settings: Pick<HubSettings, 'endpoint' | 'stall_ms'>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const piece = await readPiece(reader, response.url || settings.endpoint, settings.stall_ms, signal);
      if (piece.done || piece.value === undefined) return;
      yield piece.value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

async function readPiece(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  url: string,
  stall_ms: number,
  signal: AbortSignal | undefined,
): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  let timer: NodeJS.Timeout | undefined;
  let onAbort = () => {};
  const stop = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error('stalled'), { code: 'UND_ERR_BODY_TIMEOUT' })), stall_ms);
    onAbort = () => reject(new Error('aborted'));
    signal?.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([reader.read(), stop]);
  } catch (error) {
    signal?.throwIfAborted();
    throw unreachable(url, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
