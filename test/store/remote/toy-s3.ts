// The part of S3 that lamina speaks, in this process and in memory: for tests of the protocol without an installation. Real servers are in servers.ts.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { S3Server } from './servers.ts';

export interface ToyOptions {
  /** Lets all of several writers win. */
  careless?: boolean;
  /** Answers 501 to conditions. */
  plain?: boolean;
}

export interface ToyServer extends S3Server {
  objects: Map<string, Buffer>;
  /** Methods and paths of all requests, in their order. */
  requests: string[];
}

/** Starts it; every bucket is there. */
export async function startToy({ careless = false, plain = false }: ToyOptions = {}): Promise<ToyServer> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, { key: string; parts: Map<number, Buffer> }>();
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '', 'http://toy');
    requests.push(`${request.method} ${url.pathname}${url.search}`);
    const send = sender(request, response);
    if (!/^AWS4-HMAC-SHA256 /.test(request.headers.authorization ?? '')) return send(403, error('AccessDenied'));
    const sum = request.headers['x-amz-content-sha256'];
    if (sum !== createHash('sha256').update(body).digest('hex')) return send(400, error('XAmzContentSHA256Mismatch'));
    const [, bucket = '', key = ''] = /^\/([^/]+)\/?(.*)$/.exec(url.pathname) ?? [];
    const at = `${bucket}/${key}`;
    const query = url.searchParams;
    if (key === '' && query.has('uploads')) return send(200, listUploads(bucket, query.get('prefix') ?? '', uploads));
    if (key === '' && request.method === 'GET') return send(200, listObjects(bucket, query, objects));
    if (key === '') return send(200, '');
    const id = query.get('uploadId') ?? '';
    const upload = uploads.get(id);
    if (request.method === 'POST' && query.has('uploads')) {
      const fresh = randomUUID();
      uploads.set(fresh, { key: at, parts: new Map() });
      return send(200, `<R><UploadId>${fresh}</UploadId></R>`);
    }
    if (query.has('uploadId') && upload === undefined) return send(404, error('NoSuchUpload'));
    if (upload !== undefined) {
      if (request.method === 'PUT') {
        upload.parts.set(Number(query.get('partNumber')), body);
        return send(200, '', { etag: tagOf(body) });
      }
      if (request.method === 'GET') return send(200, listParts(upload.parts));
      if (request.method === 'POST') {
        const tags = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>([^<]*)/g)];
        const isSame = tags.every(([, n, tag]) => tagOf(upload.parts.get(Number(n)) ?? Buffer.alloc(0)) === tag);
        if (!isSame) return send(400, error('InvalidPart'));
        objects.set(at, Buffer.concat(tags.map(([, n]) => upload.parts.get(Number(n)) as Buffer)));
      }
      uploads.delete(id);
      return send(200, '<R></R>');
    }
    if (request.method === 'PUT') {
      if (request.headers['if-none-match'] === '*') {
        if (plain) return send(501, error('NotImplemented'));
        if (objects.has(at) && !careless) return send(412, error('PreconditionFailed'));
      }
      objects.set(at, body);
      return send(200, '', { etag: tagOf(body) });
    }
    if (request.method === 'DELETE') {
      objects.delete(at);
      return send(204, '');
    }
    const found = objects.get(at);
    if (found === undefined) return send(404, error('NoSuchKey'));
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0 && from >= found.length) return send(416, error('InvalidRange'));
    return send(from > 0 ? 206 : 200, found.subarray(from));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = async () => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return { name: 'toy', endpoint, stop, objects, requests };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

function sender(request: IncomingMessage, response: ServerResponse) {
  return (status: number, body: string | Buffer, headers: Record<string, string> = {}) => {
    const bytes = Buffer.from(body);
    const length = status === 204 ? {} : { 'content-length': bytes.length };
    response.writeHead(status, { ...headers, ...length }).end(request.method === 'HEAD' ? undefined : bytes);
  };
}

function error(code: string): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>said by the toy</Message></Error>`;
}

function tagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

/** Three names a page, so that there are pages. */
function listObjects(bucket: string, query: URLSearchParams, objects: ReadonlyMap<string, Buffer>): string {
  const prefix = `${bucket}/${query.get('prefix') ?? ''}`;
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  const delimiter = query.get('delimiter');
  const entries = [...new Set(keys.map((key) => upTo(key, delimiter, prefix.length)))].map((key) => {
    const name = key.slice(bucket.length + 1);
    return keys.includes(key)
      ? `<Contents><Key>${name}</Key></Contents>`
      : `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`;
  });
  const from = Number(query.get('continuation-token') ?? 0);
  const page = entries.slice(from, from + 3);
  const isMore = from + 3 < entries.length;
  const next = isMore ? `<NextContinuationToken>${from + 3}</NextContinuationToken>` : '';
  return `<R><IsTruncated>${isMore}</IsTruncated>${next}${page.join('')}</R>`;
}

/** A key, or as much of it as ends with the first delimiter after `from`. */
function upTo(key: string, delimiter: string | null, from: number): string {
  const at = delimiter === null ? -1 : key.indexOf(delimiter, from);
  return at === -1 ? key : key.slice(0, at + 1);
}

function listUploads(bucket: string, prefix: string, uploads: ReadonlyMap<string, { key: string }>): string {
  const same = [...uploads].filter(([, { key }]) => key.startsWith(`${bucket}/${prefix}`));
  return `<R>${same.map(([id, { key }]) => `<Upload><Key>${key.slice(bucket.length + 1)}</Key><UploadId>${id}</UploadId></Upload>`).join('')}</R>`;
}

function listParts(parts: ReadonlyMap<number, Buffer>): string {
  const rows = [...parts].map(
    ([n, bytes]) =>
      `<Part><PartNumber>${n}</PartNumber><ETag>${tagOf(bytes)}</ETag><Size>${bytes.length}</Size></Part>`,
  );
  return `<R><IsTruncated>false</IsTruncated>${rows.join('')}</R>`;
}
