// A bucket that speaks S3: small objects in one request, large ones in parts that are gone on with after a stop.
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { type BlobRef, sha256 } from '../digest.ts';
import type { BucketAddress } from './address.ts';
import { type Bucket, type Patience, RemoteError, type Sink, type Writing, WrongBytes } from './bucket.ts';
import type { BucketSettings } from './credentials.ts';
import { tooLarge } from './folder-bucket.ts';
import { S3Client } from './s3-request.ts';
import { errorCode, partsOf, textOf, textsOf } from './s3-xml.ts';

export interface S3Options {
  /** Files up to this size are one request, larger ones come in parts of this size. */
  part_bytes?: number;
  now?: () => number;
}

const usualPart_bytes = 16 * 2 ** 20;
/** S3 takes 10,000. */
const mostParts = 9_000;
/** Parts of one file under way at once; each takes its size of memory. */
const partsAtOnce = 2;
/** A listing of a folder has 1000 names a page. */
const mostPages = 1_000;

export function s3Bucket(
  address: BucketAddress,
  settings: BucketSettings,
  patience: Patience,
  options: S3Options = {},
): S3Bucket {
  return new S3Bucket(new S3Client(address, settings, patience, options.now), options.part_bytes ?? usualPart_bytes);
}

export class S3Bucket implements Bucket {
  readonly name: string;
  readonly place: string;
  /** A listing of 256 folders costs as much as so many questions. */
  readonly mostAsked = 256;
  readonly #client: S3Client;
  readonly #part_bytes: number;

  constructor(client: S3Client, part_bytes: number) {
    this.name = client.name;
    this.place = client.place;
    this.#client = client;
    this.#part_bytes = part_bytes;
  }

  /** How far this machine's clock is from the server's, in ms, as far as that has stood in the way. */
  get skew_ms(): number {
    return this.#client.skew_ms;
  }

  read(name: string, most_bytes: number): Promise<Buffer | undefined> {
    const request = { method: 'GET', name, what: `read '${name}'`, also: [404] } as const;
    return this.#client.ask(request, async (response) => {
      if (response.status === 404) return this.#absent(response, name);
      if (Number(response.headers.get('content-length') ?? 0) > most_bytes) throw tooLarge(this.name, name, most_bytes);
      return this.#client.bytesOf(response, most_bytes);
    });
  }

  size(name: string): Promise<number | undefined> {
    const request = { method: 'HEAD', name, what: `look at '${name}'`, also: [404] } as const;
    return this.#client.ask(request, async ({ status, headers }) => {
      return status === 404 ? undefined : Number(headers.get('content-length') ?? Number.NaN);
    });
  }

  async list(folder: string): Promise<readonly string[]> {
    const names: string[] = [];
    let token: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const query = {
        'list-type': '2',
        prefix: this.#client.inBucket(folder),
        ...(token && { 'continuation-token': token }),
      };
      const xml = await this.#client.text({
        method: 'GET',
        name: '',
        what: `list '${folder}'`,
        query: this.#sorted(query),
      });
      for (const key of textsOf(xml, 'Key')) {
        const name = this.#client.fromBucket(key);
        if (name?.startsWith(folder)) names.push(name);
      }
      token = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextContinuationToken') : undefined;
      if (!token) return names;
    }
    throw new RemoteError('wrong', `'${folder}' in '${this.name}' has more names than can be listed`);
  }

  async top(): Promise<readonly string[]> {
    const query = this.#sorted({ 'list-type': '2', prefix: this.#client.inBucket(''), delimiter: '/' });
    const xml = await this.#client.text({ method: 'GET', name: '', what: 'list what lies', query });
    const folders = partsOf(xml, 'CommonPrefixes').flatMap((part) => textOf(part, 'Prefix') ?? []);
    const names = [...textsOf(xml, 'Key'), ...folders].map((key) => this.#client.fromBucket(key)?.replace(/\/$/, ''));
    return names.filter((name) => name !== undefined && name !== '').sort() as string[];
  }

  async write(name: string, bytes: Uint8Array, writing: Writing): Promise<'written' | 'there'> {
    const isCareful = writing === 'unless-there';
    const headers: Record<string, string> = isCareful ? { 'if-none-match': '*' } : {};
    const request = {
      method: 'PUT',
      name,
      what: `write '${name}'`,
      headers,
      body: bytes,
      also: isCareful ? [412] : [],
    } as const;
    return this.#client.ask(request, async ({ status }) => (status === 412 ? 'there' : 'written'));
  }

  async upload(name: string, path: string, ref: BlobRef): Promise<void> {
    const file = await open(path, 'r');
    try {
      if (ref.size > this.#part_bytes) await this.#uploadParts(name, file, path, ref);
      else {
        const bytes = await readPart(file, 0, ref.size + 1);
        if (bytes.length !== ref.size || sha256(bytes) !== ref.digest) throw changed(path);
        await this.write(name, bytes, 'always');
      }
    } finally {
      await file.close();
    }
  }

  /** What breaks off is gone on with by a range; as long as each few tries bring something. */
  async download(name: string, sink: Sink, most_bytes: number): Promise<boolean> {
    for (let idle = 0; ; ) {
      const before = sink.length;
      try {
        return await this.#downloadFrom(name, sink, most_bytes);
      } catch (error) {
        const isBroken = error instanceof RemoteError && error.trouble === 'unreachable';
        idle = sink.length > before ? 0 : idle + 1;
        if (!isBroken || idle > 1) throw error; // each try has been several already
      }
    }
  }

  async remove(name: string): Promise<void> {
    const request = { method: 'DELETE', name, what: `remove '${name}'`, also: [404] } as const;
    await this.#client.ask(request, async () => {});
  }

  #downloadFrom(name: string, sink: Sink, most_bytes: number): Promise<boolean> {
    const what = `read '${name}'`;
    // each try asks for what is missing by then
    const request = {
      method: 'GET',
      name,
      what,
      also: [404, 416],
      get headers(): Record<string, string> {
        return sink.length === 0 ? {} : { range: `bytes=${sink.length}-` };
      },
    } as const;
    return this.#client.ask(request, async (response) => {
      if (response.status === 404) return (await this.#absent(response, name)) !== undefined;
      if (response.status === 416) return true; // it ends here: who compares the digest will see
      let skip = response.status === 206 ? 0 : sink.length; // a server without ranges sends all of it again
      for await (const piece of this.#client.bodyOf(response)) {
        const fresh = piece.subarray(Math.min(skip, piece.byteLength));
        skip -= piece.byteLength - fresh.byteLength;
        const room = most_bytes - sink.length;
        await sink.write(fresh.subarray(0, room));
        if (fresh.byteLength >= room) return true;
      }
      return true;
    });
  }

  /** An object that is not there; a bucket that is not there is another thing. */
  async #absent(response: Response, name: string): Promise<undefined> {
    if (errorCode(await this.#client.textOf(response)) !== 'NoSuchBucket') return undefined;
    throw new RemoteError(
      'wrong',
      `cannot read '${name}' in '${this.name}': there is no such bucket: make it, or check the name`,
    );
  }

  async #uploadParts(name: string, file: FileHandle, path: string, ref: BlobRef): Promise<void> {
    const part_bytes = Math.max(this.#part_bytes, Math.ceil(ref.size / mostParts));
    const earlier = await this.#begun(name);
    const id = earlier ?? (await this.#begin(name));
    const known = earlier === undefined ? new Map<number, Part>() : await this.#partsThere(name, id);
    const hash = createHash('sha256');
    const tags: Promise<string>[] = [];
    const sending = new Set<Promise<string>>();
    for (let from = 0, number = 1; from < ref.size; from += part_bytes, number++) {
      const bytes = await readPart(file, from, Math.min(part_bytes, ref.size - from));
      hash.update(bytes);
      const tag = this.#putPart(name, id, number, bytes, known.get(number));
      tag.then(() => sending.delete(tag)).catch(() => {}); // seen below
      sending.add(tag);
      tags.push(tag);
      if (sending.size >= partsAtOnce) await Promise.race(sending);
    }
    const done = await Promise.all(tags);
    const beyond = await readPart(file, ref.size, 1);
    if (beyond.length > 0 || hash.digest('hex') !== ref.digest) {
      await this.#giveUp(name, id);
      throw changed(path);
    }
    await this.#complete(name, id, done, ref.size);
  }

  /** An upload of the same object that was broken off. */
  async #begun(name: string): Promise<string | undefined> {
    const key = this.#client.inBucket(name);
    const query = this.#sorted({ uploads: '', prefix: key });
    const xml = await this.#client.text({
      method: 'GET',
      name: '',
      what: `list the uploads of '${name}'`,
      query,
      also: [404, 501],
    });
    const same = partsOf(xml, 'Upload').filter((upload) => textOf(upload, 'Key') === key);
    return same.map((upload) => textOf(upload, 'UploadId')).findLast((id) => id !== undefined && id !== '');
  }

  async #begin(name: string): Promise<string> {
    const xml = await this.#client.text({
      method: 'POST',
      name,
      what: `begin to write '${name}'`,
      query: { uploads: '' },
    });
    const id = textOf(xml, 'UploadId');
    if (id) return id;
    throw new RemoteError('wrong', `cannot write '${name}' in '${this.name}': the server gives no upload id`);
  }

  async #partsThere(name: string, id: string): Promise<Map<number, Part>> {
    const parts = new Map<number, Part>();
    let marker: string | undefined;
    for (let page = 0; page < mostPages; page++) {
      const query = this.#sorted({ uploadId: id, ...(marker && { 'part-number-marker': marker }) });
      const xml = await this.#client.text({
        method: 'GET',
        name,
        what: `list the parts of '${name}'`,
        query,
        also: [404],
      });
      for (const part of partsOf(xml, 'Part')) {
        const tag = textOf(part, 'ETag') ?? '';
        parts.set(Number(textOf(part, 'PartNumber')), { tag, size: Number(textOf(part, 'Size')) });
      }
      const next = textOf(xml, 'IsTruncated') === 'true' ? textOf(xml, 'NextPartNumberMarker') : undefined;
      if (!next || next === marker) break;
      marker = next;
    }
    return parts;
  }

  /** A part that is there is not sent again; its tag is the MD5 of its bytes wherever it can be compared at all. */
  async #putPart(name: string, id: string, number: number, bytes: Buffer, known: Part | undefined): Promise<string> {
    const md5 = createHash('md5').update(bytes).digest('hex');
    if (known?.size === bytes.length && known.tag.replaceAll('"', '') === md5) return known.tag;
    const query = this.#sorted({ partNumber: String(number), uploadId: id });
    const request = { method: 'PUT', name, what: `write part ${number} of '${name}'`, query, body: bytes } as const;
    return this.#client.ask(request, async ({ headers }) => headers.get('etag') ?? `"${md5}"`);
  }

  async #complete(name: string, id: string, tags: readonly string[], size: number): Promise<void> {
    const parts = tags.map(
      (tag, i) =>
        `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</ETag></Part>`,
    );
    const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
    const what = `finish writing '${name}'`;
    const xml = await this.#client.text({ method: 'POST', name, what, query: { uploadId: id }, body, also: [404] });
    const code = errorCode(xml);
    // somebody else may have finished the same upload: what counts is what is there
    if (code === undefined || code === 'NoSuchUpload') {
      if ((await this.size(name)) === size) return;
    }
    throw new RemoteError(
      'unreachable',
      `cannot ${what} in '${this.name}': the server answers ${code ?? 'well, but it is not there'}`,
    );
  }

  async #giveUp(name: string, id: string): Promise<void> {
    const request = {
      method: 'DELETE',
      name,
      what: `give up '${name}'`,
      query: { uploadId: id },
      also: [404],
    } as const;
    await this.#client.ask(request, async () => {}).catch(() => {});
  }

  /** As they are signed. */
  #sorted(query: Record<string, string>): Record<string, string> {
    return Object.fromEntries(Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

interface Part {
  tag: string;
  size: number;
}

/** The bytes from `from` on, fewer where the file ends. */
async function readPart(file: FileHandle, from: number, size: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(buffer, length, size - length, from + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function changed(path: string): WrongBytes {
  return new WrongBytes(`'${path}' was changed on disk`);
}
