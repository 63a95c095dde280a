// Bytes that arrive, as the progress of a stage: in megabytes, with the file that they belong to.
import type { StageContext } from '../../contract/stage.ts';

const megabyte = 1e6;

/** What a download calls with its bytes; it reports them as the stage's. */
export function downloadProgress(progress: StageContext['progress']) {
  return (done: number, total: number, path: string): void => {
    const part = { done: Math.floor(done / megabyte), total: Math.ceil(total / megabyte) };
    progress({ ...part, of: 'MB', note: `downloading ${path.slice(path.lastIndexOf('/') + 1)}` });
  };
}
