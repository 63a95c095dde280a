// `lamina ui` from the command line: the port that it is given.
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { lamina } from './in-process.ts';
import { workFolder } from './program.ts';

const folder = workFolder();
afterAll(() => folder.remove());

test('a port that is in use is told, with the way out', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const { port } = other.address() as AddressInfo;
  const { code, out, err } = await lamina(folder.path, 'ui', '--port', String(port));
  expect([code, out, err]).toEqual([
    2,
    '',
    `error  port ${port} is in use: choose another with --port, or 0 for any\n`,
  ]);
  await new Promise((done) => other.close(done));
});
