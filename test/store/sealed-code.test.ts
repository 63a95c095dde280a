// A seal over modules: what breaks it, and for which modules.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changedCode, changesSince, sealOf } from '../../store/sealed-code.ts';
import { emptyFolder } from './drafts.ts';

const files = {
  'stages/a/run.js': "import '../../model/both.js';\nimport '../../model/first.js';\n",
  'stages/b/run.js': "import '../../model/both.js';\nawait import('../../model/second.js');\n",
  'model/both.js': "import parse from 'parser';\nimport 'node:fs';\nexport const text = \"from './nowhere.js'\";\n",
  'model/first.js': 'export const first = 1;\n',
  'model/second.js': 'export const second = 2;\n',
  'model/unused.js': 'export {};\n',
  'node_modules/parser/package.json': '{ "name": "parser", "version": "1.0.0" }',
};
const [a, b] = ['stages/a/run.js', 'stages/b/run.js'] as const;

function write(folder: string, name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function sealedFolder() {
  const folder = emptyFolder();
  for (const [name, text] of Object.entries(files)) write(folder, name, text);
  return { folder, seal: sealOf(folder, [a, b]) };
}

/** Which of the two stages have another code after an edit. */
function changedBy(edit: (folder: string) => void): string[] {
  const { folder, seal } = sealedFolder();
  edit(folder);
  const changes = changesSince(seal, folder);
  return [a, b].filter((module) => changedCode(changes, folder, [module]) !== undefined);
}

describe('a seal', () => {
  it('holds every file that the modules reach, and the versions of packages', () => {
    const { folder, seal } = sealedFolder();
    expect(Object.keys(seal.files)).toEqual(
      expect.arrayContaining(['model/both.js', 'model/first.js', 'model/second.js', a, b]),
    );
    expect(Object.keys(seal.files)).not.toContain('model/unused.js');
    expect(seal.packages).toEqual({ parser: '1.0.0' });
    expect(changesSince(seal, folder)).toEqual(new Set());
  });

  it.each([
    ['model/both.js', [a, b]],
    ['model/first.js', [a]],
    ['model/second.js', [b]],
    ['stages/b/run.js', [b]],
    ['model/unused.js', []],
  ] as const)('is broken by %s for those that reach it', (name, expected) => {
    expect(changedBy((folder) => write(folder, name, `${files[name]};`))).toEqual(expected);
  });

  it('is broken by a file that is gone, by one that was not there, and by another version of a package', () => {
    expect(changedBy((folder) => rmSync(join(folder, 'model/first.js')))).toEqual([a]);
    expect(changedBy((folder) => write(folder, 'model/nowhere.js', ''))).toEqual([a, b]);
    const manifest = '{ "name": "parser", "version": "1.0.1" }';
    expect(changedBy((folder) => write(folder, 'node_modules/parser/package.json', manifest))).toEqual([a, b]);
  });

  it('that is broken gives each state of the code a digest of its own, and says what changed', () => {
    const { folder, seal } = sealedFolder();
    const codeWith = (text: string) => {
      write(folder, 'model/first.js', text);
      return changedCode(changesSince(seal, folder), folder, [a]);
    };
    const [one, other] = [codeWith('1'), codeWith('2')];
    expect(one?.changed).toEqual(['model/first.js']);
    expect(one?.code.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(other?.code.digest).not.toBe(one?.code.digest);
    expect(codeWith('1')).toEqual(one);
    expect(codeWith(files['model/first.js'])).toBe(undefined);
  });
});
