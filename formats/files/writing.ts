// What every writer of a file needs around it: closed when all went well, given up when not.

/** A file under way. */
export interface Unfinished {
  /** Finishes the file and flushes it to the disk. */
  close(): Promise<void>;
  /** Closes the file unfinished. */
  abort(): Promise<void>;
}

/** Lets `work` fill `writer`; after a failure the file is closed as it is, and the failure is thrown. */
export async function writing<W extends Unfinished, T>(writer: W, work: (writer: W) => Promise<T>): Promise<T> {
  try {
    const result = await work(writer);
    await writer.close();
    return result;
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
