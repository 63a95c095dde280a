// SHA-256 of texts and of files, and the reference by which an artifact is named.
import { createHash, hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** An artifact's name: the SHA-256 of its bytes (64 hexadecimal digits) and their number. */
export interface BlobRef {
  digest: string;
  size: number;
}

const chunkBytes = 1 << 20;
/** Up to this size a file is read at once: a stream takes longer to open than to read so little. */
const atOnceBytes = 1 << 18;

/** SHA-256 of a text's UTF-8 bytes, or of bytes, in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return hash('sha256', data, 'hex');
}

/** Reads a file once and names its bytes. Rejects with the signal's reason when that is aborted. */
export async function digestFile(path: string, signal?: AbortSignal): Promise<BlobRef> {
  signal?.throwIfAborted();
  const stats = statSync(path);
  if (stats.isFile() && stats.size <= atOnceBytes) return digestOf(readFileSync(path));
  const handle = await open(path);
  try {
    return await digestChunks(handle, signal);
  } finally {
    await handle.close();
  }
}

/** Two buffers take turns: while one is hashed, the other is filled. */
async function digestChunks(handle: FileHandle, signal: AbortSignal | undefined): Promise<BlobRef> {
  const whole = createHash('sha256');
  let size = 0;
  let [full, empty] = [Buffer.allocUnsafeSlow(chunkBytes), Buffer.allocUnsafeSlow(chunkBytes)];
  for (let reading = handle.read(full, 0, chunkBytes); ; ) {
    const { bytesRead } = await reading;
    signal?.throwIfAborted();
    if (bytesRead === 0) return { digest: whole.digest('hex'), size };
    reading = handle.read(empty, 0, chunkBytes);
    reading.catch(() => {}); // seen when it is waited for
    whole.update(full.subarray(0, bytesRead));
    size += bytesRead;
    [full, empty] = [empty, full];
  }
}

function digestOf(bytes: Uint8Array): BlobRef {
  return { digest: sha256(bytes), size: bytes.length };
}

/** True for the text of a SHA-256. */
export function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}
