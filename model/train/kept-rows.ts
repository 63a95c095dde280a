// Rows of floats that are written once and read in any order: in memory, or in a file that goes with them.
import { type FileHandle, open, rm } from 'node:fs/promises';

/** Rows of `width` floats by their number. */
export interface KeptRows {
  readonly width: number;
  /** Keeps the rows from `start` on, none of them twice; `values` [count, width]. */
  write(start: number, values: Float32Array): Promise<void>;
  /** The rows `chosen`, in that order, into `into` [chosen.length, width]; each must have been written. */
  gather(chosen: readonly number[], into: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** `rows` rows in memory, in the arrays that they came in, which must not change any more. */
export function keptInMemory(rows: number, width: number): KeptRows {
  const parts: { readonly start: number; readonly values: Float32Array }[] = [];
  const partOf = new Int32Array(rows);
  return {
    width,
    async write(start, values) {
      partOf.fill(parts.length, start, start + values.length / width);
      parts.push({ start, values });
    },
    async gather(chosen, into) {
      for (let i = 0; i < chosen.length; i++) {
        const row = chosen[i] as number;
        const { start, values } = parts[partOf[row] as number] as (typeof parts)[number];
        into.set(values.subarray((row - start) * width, (row - start + 1) * width), i * width);
      }
    },
    close: async () => void parts.splice(0),
  };
}

/** Rows in the file `path`, which is made anew and removed by `close`; what the system's cache does not hold is read from the disk. */
export async function keptInFile(path: string, width: number): Promise<KeptRows> {
  const file = await open(path, 'w+');
  const stride = 4 * width;
  return {
    width,
    async write(start, values) {
      const bytes = bytesOf(values);
      for (let done = 0; done < bytes.length; ) {
        const part = bytes.subarray(done, done + longestCall);
        done += (await file.write(part, 0, part.length, start * stride + done)).bytesWritten;
      }
    },
    async gather(chosen, into) {
      const bytes = bytesOf(into);
      const places = chosen.map((row, i) => ({ at: row * stride, into: bytes.subarray(i * stride, (i + 1) * stride) }));
      for (let done = 0; done < places.length; done += readsAtOnce)
        await Promise.all(places.slice(done, done + readsAtOnce).map((place) => fill(file, place.into, place.at)));
    },
    async close() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}

const longestCall = 2 ** 30;
const readsAtOnce = 64;

async function fill(file: FileHandle, into: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, at + done);
    if (bytesRead === 0) throw new Error(`a row at byte ${at} was kept and is not in its file`);
    done += bytesRead;
  }
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
