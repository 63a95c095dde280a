// What people do wrong who know nothing of lamina yet: each mistake as they would make it, the command that they give, and all that they are told.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lamina } from './in-process.ts';
import { onCommandLines } from './mistakes/command-lines.ts';
import { inFiles } from './mistakes/files.ts';
import { inPipelines } from './mistakes/pipelines.ts';
import { inSpecs } from './mistakes/specs.ts';
import { inStores } from './mistakes/stores.ts';
import { workFolder } from './program.ts';

/** The lines of a text that are no excerpt of a spec and no count of the mistakes. */
function sentences(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !/^ +\d* \||^\d+ mistakes? in/.test(line));
}

const all = [...inSpecs, ...inPipelines, ...onCommandLines, ...inStores, ...inFiles];

describe.each([
  ['specs', inSpecs],
  ["pipelines and stages of one's own", inPipelines],
  ['command lines', onCommandLines],
  ['stores and runs', inStores],
  ['data and checkpoints', inFiles],
])('mistakes in %s', (_, mistakes) => {
  test.each(mistakes)('%s', async (_, files, command, told, code = 2) => {
    const folder = workFolder();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, name)), { recursive: true });
      writeFileSync(join(folder.path, name), text);
    }
    const ended = await lamina(folder.path, ...command.split(' '));
    folder.remove();
    expect(sentences(ended.err.replaceAll(folder.path, 'DIR'))).toEqual(told);
    expect(ended.code).toBe(code);
  });
});

test('nobody is told the same twice, or anything of how lamina is made', () => {
  expect(all.length).toBeGreaterThanOrEqual(47);
  const told = all.map(([, , , lines]) => lines.join('\n'));
  expect(new Set(told).size).toBe(all.length);
  for (const text of told) expect(text).not.toMatch(/ {4}at |node:|\.[cm]?[jt]s:|dist\/|undefined|\[object|bug/);
});
