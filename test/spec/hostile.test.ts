// Spec files that mean harm, or look like it: refused with a sentence, at once, and nothing runs away.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { renderDiagnostic } from '../../located/diagnostic.ts';
import { checkSpec } from '../../spec/plan/resolve.ts';
import { registry } from './registry.ts';
import { checked, complaints, experiment as e, pipeline as p, specFolder } from './spec-folder.ts';

test('aliases that multiply', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}, *a${i}, *a${i}]`);
  const [first] = await checked(specFolder({ 'e.yaml': `a0: &a0 [x]\n${rows.join('\n')}\n` }));
  expect(first).toMatch(/^e\.yaml:\d+:\d+ {2}aliases stand for more than 100000 values$/);
});

test('an alias within what it stands for', async () => {
  expect(await checked(specFolder({ 'e.yaml': 'a: &a [*a]\n' }))).toEqual(["e.yaml:1:8  alias 'a' stands for itself"]);
});

test.each([
  ['[', 100],
  ['[', 100_000],
  ['{a: ', 100_000],
  ['- ', 100_000],
])('nesting: %j %i times', async (text, times) => {
  const [line] = await checked(specFolder({ 'e.yaml': `a: ${text.repeat(times)}` }));
  expect(line).toMatch(/^e\.yaml:\d+:\d+ {2}(nested more than 64 levels deep|not valid YAML: .*)$/);
});

test('interpolations that multiply', async () => {
  const params = Array.from({ length: 40 }, (_, i) => `a${i + 1}: "\${a${i}}\${a${i}}"`).join(', ');
  const lists = Array.from({ length: 40 }, (_, i) => `b${i + 1}: ["\${b${i}}", "\${b${i}}"]`).join(', ');
  const file = (params: string) => e.replace('model: models/tiny', `model: "\${a40}\${b40}", a0: x, b0: x, ${params}`);
  const found = await checked(specFolder({ 'e.yaml': file(`${params}, ${lists}`) }));
  expect(found.map((line) => line.replace(/^\S+ +/, '')).sort()).toEqual([
    "parameter 'a17': interpolation makes more than 65536 characters of this",
    "parameter 'b16': interpolation makes more than 100000 values of this",
  ]);
});

test('more cells than anybody means', async () => {
  const list = Array.from({ length: 100 }, (_, i) => i + 1).join(', ');
  const axes = `axes: { rank: [${list}], seed: [${list}], tuned.epochs: [${list}] }\n`;
  const file = `experiment: big\npipeline: p.yaml\nparams: { model: m }\nmetric: ppl.perplexity\n${axes}`;
  expect(await checked(specFolder({ 'e.yaml': file }))).toEqual([
    'e.yaml:1:13  the axes span 1000000 cells, expected at most 100000',
  ]);
});

test('a file of more than 4 MiB, a folder, bytes that are not text', async () => {
  const folder = specFolder({ 'big.yaml': '#'.repeat(4 * 1024 * 1024 + 1) });
  mkdirSync(join(folder, 'dir.yaml'));
  writeFileSync(join(folder, 'bytes.yaml'), Buffer.from([0x61, 0xff, 0xfe]));
  expect(await checked(folder, 'big.yaml')).toEqual(["big.yaml  the spec 'big.yaml' is larger than 4 MiB"]);
  expect(await checked(folder, 'dir.yaml')).toEqual(["dir.yaml  the spec 'dir.yaml' is a folder, expected a file"]);
  expect(await checked(folder, 'bytes.yaml')).toEqual(["bytes.yaml  the spec 'bytes.yaml' is not UTF-8 text"]);
});

test('names that every object has', async () => {
  const params = 'params: { model: m, constructor: 1, toString: 2, hasOwnProperty: 3 }\n';
  const found = await checked(specFolder({ 'e.yaml': e.replace(/params: .*\n/, params) }));
  expect(found.map((line) => line.replace(/, expected .*/, ''))).toEqual([
    "e.yaml:3:21  unknown parameter 'constructor'",
    "e.yaml:3:37  unknown parameter 'toString'",
    "e.yaml:3:50  unknown parameter 'hasOwnProperty'",
  ]);
  const uses = p.replace('use: load', 'use: constructor').replace('activations: acts', 'toString: acts');
  // an unknown stage, an unknown input, and the input that is missing for it
  expect((await checked(specFolder({ 'p.yaml': uses }))).length).toBe(3);
  expect(await complaints(specFolder(), { set: ['__proto__.x=1'] })).toEqual([
    "--set __proto__.x=1  '__proto__.x' is not a path, expected 'name' or 'stage.name'",
  ]);
});

test('texts with control characters are refused: titles and labels are shown in terminals', async () => {
  const title = 'title: "\\e[2Jx"\n';
  const found = await checked(specFolder({ 'e.yaml': e.replace('\n', `\n${title}`) }));
  expect(found).toEqual([
    'e.yaml:2:8  text with control characters cannot be kept: take out U+001B, and save the file as UTF-8',
  ]);
  const keys = e.replace('\n', '\n"\\x9bm": 1\n');
  expect((await checked(specFolder({ 'e.yaml': keys })))[0]).toMatch(/^e.yaml:2:1 {2}'.m' cannot be a key$/u);
});

test('control characters do not reach the terminal', async () => {
  const folder = specFolder({ 'e.yaml': `${e.replace('T_back', '"\\e[31m"')}# \u001b[2J\u202e\n` });
  for (const diagnostic of await checkSpec('e.yaml', registry, folder)) {
    const text = renderDiagnostic(diagnostic);
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
  }
});
