// A server that speaks the Hugging Face Hub's protocol: revisions, paged listings, files, and a second host for LFS files.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A file of a repository; LFS files are served by the second host. */
export interface ServedFile {
  bytes: Buffer;
  lfs: boolean;
}

export interface ServedRequest {
  host: 'hub' | 'cdn';
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** What goes wrong, by the file's path inside its repository. */
export interface Faults {
  /** The connection is cut once after so many bytes of the file; `arrived` waits until the reader has them, when that matters. */
  cutAfter: Map<string, { bytes: number; arrived?: Promise<void> }>;
  /** Statuses to answer with first, whatever is asked for. */
  statuses: number[];
  /** Sent instead of the file's bytes. */
  forged: Map<string, Buffer>;
  /** Ranges are ignored: every answer is the whole file. */
  noRanges: boolean;
  /** Files are refused with this `X-Error-Code`, and with 401 without a token, 403 with one. */
  gated: boolean;
  /** Added to every listing. */
  extraEntries: object[];
}

export interface HubServer {
  endpoint: string;
  requests: ServedRequest[];
  faults: Faults;
  /** Puts a commit there (its SHA is made from the files) and moves `main` to it; gives the SHA. */
  commit(type: 'models' | 'datasets', repo: string, files: Record<string, string | Buffer>): string;
  /** Bytes of a file that were asked for, as ranges, in order. */
  rangesOf(name: string): (string | undefined)[];
  close(): Promise<void>;
}

interface Repository {
  refs: Map<string, string>;
  commits: Map<string, Map<string, ServedFile>>;
}

const pageSize = 2;
const isLfs = (name: string) => /\.(safetensors|parquet|bin)$/.test(name);

/** Starts both hosts on free ports. */
export async function startHub(): Promise<HubServer> {
  const repositories = new Map<string, Repository>();
  const requests: ServedRequest[] = [];
  const faults: Faults = {
    cutAfter: new Map(),
    statuses: [],
    forged: new Map(),
    noRanges: false,
    gated: false,
    extraEntries: [],
  };
  const note = (host: ServedRequest['host'], request: IncomingMessage) => {
    const { range, authorization } = request.headers;
    requests.push({ host, path: decodeURIComponent(request.url ?? ''), range, authorization });
  };
  const cdn = createServer((request, response) => {
    note('cdn', request);
    const [, name = '', ...rest] =
      decodeURIComponent(request.url ?? '')
        .split('?')[0]
        ?.split('/') ?? [];
    const path = rest.join('/');
    const bytes = blobs.get(name);
    if (bytes === undefined) answer(response, 404, {});
    else sendFile(request, response, path, bytes, faults, {});
  });
  const blobs = new Map<string, Buffer>();
  const cdnOrigin = await listen(cdn);
  const hub = createServer((request, response) => {
    note('hub', request);
    const status = faults.statuses.shift();
    if (status !== undefined) answer(response, status, {});
    else serveHub(request, response, { repositories, faults, cdnOrigin });
  });
  const endpoint = await listen(hub);
  return {
    endpoint,
    requests,
    faults,
    commit(type, repo, files) {
      const served = new Map(Object.entries(files).map(([name, content]) => [name, servedFile(name, content)]));
      for (const { bytes } of served.values()) blobs.set(sha256(bytes), bytes);
      const sha = createHash('sha1')
        .update([...served].map(([name, { bytes }]) => name + sha256(bytes)).join())
        .digest('hex');
      const repository = repositories.get(`${type}/${repo}`) ?? { refs: new Map(), commits: new Map() };
      repositories.set(`${type}/${repo}`, repository);
      repository.commits.set(sha, served);
      repository.refs.set('main', sha);
      return sha;
    },
    rangesOf: (name) =>
      requests
        .filter(
          ({ path, host }) => path.includes(name) && (host === 'cdn' || (!isLfs(name) && path.includes('/resolve/'))),
        )
        .map(({ range }) => range),
    async close() {
      for (const server of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

interface Served {
  repositories: ReadonlyMap<string, Repository>;
  faults: Faults;
  cdnOrigin: string;
}

function serveHub(request: IncomingMessage, response: ServerResponse, served: Served): void {
  const url = new URL(request.url ?? '/', 'http://hub');
  const parts = url.pathname.split('/').slice(1).map(decodeURIComponent);
  if (parts[0] === 'api') serveApi(parts.slice(1), url, response, served);
  else if (parts[0] === 'datasets') serveFile(['datasets', ...parts.slice(1)], request, response, served);
  else serveFile(['models', ...parts], request, response, served);
}

function serveApi(
  [type, org, name, what, revision = '']: string[],
  url: URL,
  response: ServerResponse,
  { repositories, faults }: Served,
): unknown {
  const repository = repositories.get(`${type}/${org}/${name}`);
  if (repository === undefined) return answer(response, 401, { 'x-error-code': 'RepoNotFound' });
  const sha = repository.refs.get(revision) ?? revision;
  const files = repository.commits.get(sha);
  if (files === undefined) return answer(response, 404, { 'x-error-code': 'RevisionNotFound' });
  if (what === 'revision') return answer(response, 200, {}, { _id: '1', id: `${org}/${name}`, sha, private: false });
  const entries: object[] = [...faults.extraEntries, { type: 'directory', path: 'data', oid: 'f'.repeat(40), size: 0 }];
  for (const [path, file] of files) entries.push(entryOf(path, file));
  const start = Number(url.searchParams.get('cursor') ?? 0);
  const next = new URL(url);
  next.searchParams.set('cursor', String(start + pageSize));
  const link = `<http://${response.req.headers.host}${next.pathname}${next.search}>; rel="next"`;
  const more = start + pageSize < entries.length;
  return answer(response, 200, more ? { link } : {}, entries.slice(start, start + pageSize));
}

function serveFile(parts: string[], request: IncomingMessage, response: ServerResponse, served: Served): unknown {
  const [type, org, name, , revision = '', ...rest] = parts;
  const { repositories, faults, cdnOrigin } = served;
  const path = rest.join('/');
  const repository = repositories.get(`${type}/${org}/${name}`);
  const sha = repository?.refs.get(revision) ?? revision;
  const file = repository?.commits.get(sha)?.get(path);
  if (faults.gated) {
    const status = request.headers.authorization === undefined ? 401 : 403;
    return answer(response, status, { 'x-error-code': 'GatedRepo' });
  }
  if (file === undefined) return answer(response, 404, { 'x-error-code': 'EntryNotFound' });
  const headers = { 'x-repo-commit': sha };
  if (!file.lfs) {
    return sendFile(request, response, path, file.bytes, faults, { ...headers, etag: `"${gitOid(file.bytes)}"` });
  }
  const oid = sha256(file.bytes);
  const linked = { 'x-linked-size': String(file.bytes.byteLength), 'x-linked-etag': `"${oid}"` };
  return answer(response, 302, { ...headers, ...linked, location: `${cdnOrigin}/${oid}/${path}?signature=abc` });
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  whole: Buffer,
  faults: Faults,
  headers: Record<string, string>,
): unknown {
  const bytes = faults.forged.get(path) ?? whole;
  const from = faults.noRanges ? 0 : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const isPart = from > 0;
  if (isPart && from >= bytes.byteLength) return answer(response, 416, {});
  const body = bytes.subarray(from);
  const range = { 'content-range': `bytes ${from}-${bytes.byteLength - 1}/${bytes.byteLength}` };
  response.writeHead(isPart ? 206 : 200, {
    ...headers,
    ...(isPart ? range : {}),
    'accept-ranges': 'bytes',
    'content-length': String(body.byteLength),
  });
  const cut = faults.cutAfter.get(path);
  if (cut === undefined) {
    return response.end(body);
  }
  faults.cutAfter.delete(path);
  return response.write(body.subarray(0, cut.bytes), async () => {
    await cut.arrived;
    response.destroy();
  });
}

function answer(response: ServerResponse, status: number, headers: Record<string, string>, body?: object): unknown {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  return response.end(body === undefined ? '{}' : JSON.stringify(body));
}

function entryOf(path: string, { bytes, lfs }: ServedFile): object {
  const size = bytes.byteLength;
  const entry = { type: 'file', path, size, oid: gitOid(bytes) };
  return lfs ? { ...entry, lfs: { oid: sha256(bytes), size, pointerSize: 135 } } : entry;
}

function servedFile(name: string, content: string | Buffer): ServedFile {
  return { bytes: Buffer.from(content), lfs: isLfs(name) };
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Git's name of a file: `printf 'blob %d\0' SIZE | cat - FILE | sha1sum`. */
function gitOid(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
