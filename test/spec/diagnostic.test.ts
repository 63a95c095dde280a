// How mistakes are shown: the place, the line, the underline, the other places.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { expect, test } from 'vitest';
import { renderDiagnostic, SpecErrors } from '../../located/diagnostic.ts';
import { checkSpec } from '../../spec/plan/resolve.ts';
import { UserError } from '../../util/errors.ts';
import { registry } from './registry.ts';
import { experiment, pipeline, planned, specFolder } from './spec-folder.ts';

const rendered = async (files: Record<string, string>) =>
  (await checkSpec('e.yaml', registry, specFolder(files))).map(renderDiagnostic).join('\n');

test('a typo is underlined, with the way out (P13)', async () => {
  expect(await rendered({ 'p.yaml': pipeline.replace('use: slw,', 'use: slww,') })).toBe(
    `p.yaml:10:16  stage 'warm': unknown stage 'slww', expected a stage name (did you mean 'slw'?)
   10 |   warm: { use: slww, in: { model: base, activations: acts }, with: { type: "\${type}", rank: "\${rank}", lr: 1e-3 } }
      |                ~~~~`,
  );
});

test('a part of a text is underlined alone', async () => {
  expect(await rendered({ 'p.yaml': pipeline.replace('"${model}"', '"dir/${modle}/x"') })).toBe(
    `p.yaml:7:41  stage 'base': parameter 'path': unknown parameter 'modle' (did you mean 'model'?)
    7 |   base: { use: load, with: { path: "dir/\${modle}/x" } }
      |                                         ~~~~~~~~`,
  );
});

test('a second place is named below', async () => {
  expect(await rendered({ 'p.yaml': `${pipeline}  base: { use: load }\n` })).toBe(
    `p.yaml:14:3  key 'base' is given twice
   14 |   base: { use: load }
      |   ~~~~
      p.yaml:7:3  first given here`,
  );
});

test('a value that was written elsewhere says where the stage takes it', async () => {
  expect(await rendered({ 'e.yaml': experiment.replace('T_back', 'T_bak') })).toBe(
    `e.yaml:5:18  stage 'warm': parameter 'type' expects 'T_next', 'T_back' or 'T_front', got 'T_bak' (did you mean 'T_back'?)
    5 |   type: [T_next, T_bak]
      |                  ~~~~~
      p.yaml:10:75  stage 'warm' takes it here`,
  );
});

test('tabs stay under tabs, and long lines are cut around the mistake', () => {
  const base = { file: 'a.yaml', line: 3, message: 'wrong' };
  expect(renderDiagnostic({ ...base, column: 3, length: 2, text: '\ta bc' })).toBe(
    'a.yaml:3:3  wrong\n    3 | \ta bc\n      | \t ~~',
  );
  const long = renderDiagnostic({ ...base, column: 501, length: 3, text: `${'x'.repeat(500)}abc${'y'.repeat(500)}` });
  expect(long).toBe(
    `a.yaml:3:501  wrong\n    3 | ${'x'.repeat(40)}abc${'y'.repeat(117)}\n      | ${' '.repeat(40)}~~~`,
  );
});

test('a flag has no line to underline', () => {
  expect(renderDiagnostic({ file: '--set', line: 0, column: 1, length: 4, message: 'wrong', text: 'a=1' })).toBe(
    '--set a=1  wrong',
  );
});

test('all mistakes are thrown at once, as one user error', async () => {
  const files = { 'p.yaml': pipeline.replace('use: slw,', 'use: slww,'), 'e.yaml': `${experiment}tabel: {}\n` };
  const error: unknown = await planned(specFolder(files), { set: ['rnak=3'] }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SpecErrors);
  expect(error).toBeInstanceOf(UserError);
  expect((error as SpecErrors).diagnostics.map((d) => d.message)).toEqual([
    "unknown key 'tabel' (did you mean 'table'?)",
    "stage 'warm': unknown stage 'slww', expected a stage name (did you mean 'slw'?)",
    "unknown parameter 'rnak' (did you mean 'rank'?)",
  ]);
  expect((error as SpecErrors).message.split('\n')).toHaveLength(7);
});
