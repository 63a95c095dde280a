// The digest of a module: what changes it, and what does not.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestCode } from '../../store/code-digest.ts';
import { importsIn } from '../../store/module-imports.ts';
import { emptyFolder } from './drafts.ts';

const files = {
  'metric.mjs':
    "import { a } from './a.mjs';\nexport { b } from './lib/b.mjs';\nimport parse from 'parser';\nimport 'node:fs';\n",
  'a.mjs': "export const a = await import('./deep/c.mjs');\n",
  'deep/c.mjs': "import '../a.mjs';\nexport const words = new URL('./words.json', import.meta.url);\n",
  'deep/words.json': '["one"]',
  'lib/b.mjs': 'export const b = 1;\n',
  'beside.mjs': 'export {};\n',
  'node_modules/parser/package.json': '{ "name": "parser", "version": "1.0.0" }',
  'node_modules/parser/index.js': 'module.exports = 1;\n',
};

function folderWith(more: Record<string, string> = {}): string {
  const folder = emptyFolder();
  for (const [name, text] of Object.entries({ ...files, ...more })) write(folder, name, text);
  return folder;
}

function write(folder: string, name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

const digest = (folder: string, name = 'metric.mjs') => digestCode(join(folder, name)).digest;
const plain = digest(folderWith());

describe('the digest of a module', () => {
  it('is that of what it reaches, not of where it lies or what it is called', () => {
    const folder = folderWith();
    renameSync(join(folder, 'metric.mjs'), join(folder, 'other.mjs'));
    expect(digest(folder, 'other.mjs')).toBe(plain);
    expect(digestCode(join(folder, 'other.mjs')).size).toBe(
      ['metric.mjs', 'a.mjs', 'deep/c.mjs', 'deep/words.json', 'lib/b.mjs'].reduce(
        (sum, name) => sum + files[name as keyof typeof files].length,
        0,
      ),
    );
  });

  it.each(['metric.mjs', 'a.mjs', 'deep/c.mjs', 'deep/words.json', 'lib/b.mjs'] as const)('changes with %s', (name) => {
    expect(digest(folderWith({ [name]: `${files[name]} ` }))).not.toBe(plain);
  });

  it.each(['beside.mjs', 'node_modules/parser/index.js'] as const)('does not change with %s', (name) => {
    expect(digest(folderWith({ [name]: `${files[name]}// more\n` }))).toBe(plain);
  });

  it('changes with the version of a package, and not with that of lamina', () => {
    const manifest = 'node_modules/parser/package.json';
    expect(digest(folderWith({ [manifest]: '{ "name": "parser", "version": "1.0.1" }' }))).not.toBe(plain);
    const own = (version: string) =>
      folderWith({
        'metric.mjs': "import { Type } from 'lamina/stage';\n",
        'node_modules/lamina/package.json': `{ "version": "${version}" }`,
      });
    expect(digest(own('1.0.0'))).toBe(digest(own('2.0.0')));
  });

  it('follows what Node follows: links, names of the package, and paths without an ending', () => {
    const folder = folderWith({
      'metric.cjs': "const a = require('./part'); const b = require('./lib'); const c = require('#words');\n",
      'part.js': '1',
      'lib/index.js': '2',
      'words.cjs': '3',
      'package.json': '{ "name": "mine", "imports": { "#words": { "node": "./words.cjs" } } }',
    });
    symlinkSync(join(folder, 'metric.cjs'), join(folder, 'deep/link.cjs'));
    const before = digest(folder, 'deep/link.cjs');
    expect(before).toBe(digest(folder, 'metric.cjs'));
    for (const name of ['part.js', 'lib/index.js', 'words.cjs']) {
      write(folder, name, 'changed');
      expect(digest(folder, 'deep/link.cjs')).not.toBe(before);
      write(folder, name, String(['', 'part.js', 'lib/index.js', 'words.cjs'].indexOf(name)));
    }
    expect(digest(folder, 'metric.cjs')).toBe(before);
  });

  it('says which file cannot be read', () => {
    expect(() => digest(emptyFolder())).toThrow(/^cannot read '.*metric\.mjs': no such file or folder$/);
  });
});

describe('imports', () => {
  it('are found in every form', () => {
    const text = `
import a from './a.js'
import{b}from"./b.js";import'./c.js'
export * from './d.js';
const e = await import(
  // with a remark
  './e.js' /* and another */
);
const f = require('./f.cjs');
const g = new URL("./g.json", import.meta.url);
import h /* from */ from /* 'nowhere' */ './h.js';
const i = import(\`./i.js\`);
const url = 'http://x'; import('./j.js');
const unknown = import(\`./\${name}.js\`);
`;
    expect(importsIn(text)).toEqual(
      ['a', 'b', 'c', 'd', 'e']
        .map((name) => `./${name}.js`)
        .concat('./f.cjs', './g.json', './h.js', './i.js', './j.js'),
    );
  });

  it('are found in time that grows with the text, whatever it is made of', () => {
    const text = `from ${'/* a */ '.repeat(200_000)}`;
    expect(importsIn(text)).toEqual([]);
  });
});
