// SHA-256 of texts and of files, and the reference by which an artifact is named.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** An artifact's name: the SHA-256 of its bytes (64 hexadecimal digits) and their number. */
export interface BlobRef {
  digest: string;
  size: number;
}

const chunkBytes = 1 << 20;

/** SHA-256 of a text's UTF-8 bytes, or of bytes, in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Reads a file once and names its bytes. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<BlobRef> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes, signal })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { digest: hash.digest('hex'), size };
}

/** True for the text of a SHA-256. */
export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
