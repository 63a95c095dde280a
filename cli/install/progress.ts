// Prints how far an installation has come: a line for each step, and on a terminal one that moves.

import { join } from 'node:path';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { statusAt } from '../../util/file-status.ts';
import { namesIn } from '../../util/names-in.ts';
import type { Output } from '../common/terminal.ts';

const every_ms = 500;

/** Does `work` and says that it is done, or was done before; on a terminal the time and the bytes below `fetched` are shown meanwhile. */
export async function told(name: string, fetched: string, output: Output, work: () => Promise<void>): Promise<void> {
  const start_ms = performance.now();
  const time = () => formatDuration(performance.now() - start_ms);
  const clear = output.live ? '\r\u001b[K' : '';
  const show = () => output.write(`${clear}  ${name}  ${time()}  ${formatBytes(bytesBelow(fetched))} fetched`);
  const timer = output.live ? setInterval(show, every_ms) : undefined;
  try {
    if (!output.live) output.write(`  ${name} ...\n`);
    await work();
    output.write(`${clear}${output.paint.good('✓')} ${name}  ${time()}\n`);
  } catch (error) {
    output.write(`${clear}${output.paint.bad('✗')} ${name}  ${time()}\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** What lies in a folder that something may be writing into. */
function bytesBelow(folder: string): number {
  return namesIn(folder).reduce((sum, name) => {
    const path = join(folder, name);
    const status = statusAt(path);
    if (status === undefined) return sum;
    return sum + (status.isDirectory() ? bytesBelow(path) : Number(status.size));
  }, 0);
}
