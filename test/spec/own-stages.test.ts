// Stages of a user's own, as far as a spec goes: what is said of modules that cannot be used, and what is checked of those that can.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { registry } from './registry.ts';
import { checked, complaints, numerics, specFolder } from './spec-folder.ts';

/** A stage as plain JavaScript has it, with `more` over it. */
const stage = (more = '') => `export default {
  name: 'mine',
  summary: 'a stage of my own',
  params: { type: 'object', properties: { least: { type: 'integer', minimum: 0, default: 3 } } },
  inputs: { data: { kind: 'dataset', summary: 'records' } },
  outputs: { metrics: { kind: 'metrics', summary: 'numbers', extension: 'json', fields: ['words'] } },
  async run() {},
  ${more}
};
`;

const pipeline = (use: string, more = 'in: { data: data.train }') => `pipeline: sharp
stages:
  data: { use: dataset, with: { generate: arith } }
  mine: { use: ${use}, ${more} }
`;

const experiment = 'experiment: small\npipeline: p.yaml\nmetric: mine.words\n';

function folderWith(module: string, use = './mine.mjs', more?: string): string {
  return specFolder({ 'p.yaml': pipeline(use, more), 'e.yaml': experiment, 'mine.mjs': module });
}

const place = 'p.yaml:4:16';

describe('a module that cannot be used is reported where it is named', () => {
  const refused: [string, string, string][] = [
    [
      'it has no default export',
      'export const stage = 1;',
      'has no default export, expected its stage: export default defineStage({ ... })',
    ],
    ['it exports no object', 'export default 7;', 'cannot be used: its default export is 7, expected a stage'],
    [
      'its name is no name',
      stage("name: 'My Stage',"),
      "cannot be used: its default export is no stage: 'name': expected a name of small letters, digits and '-', got \"My Stage\"",
    ],
    [
      'it has no summary',
      stage('summary: undefined,'),
      "cannot be used: its default export is no stage: 'summary': expected text, got nothing",
    ],
    [
      'a kind does not exist',
      stage("inputs: { data: { kind: 'data', summary: '' } },"),
      "cannot be used: its default export is no stage: 'inputs.data.kind': expected 'checkpoint', 'recovery', 'exit', 'activations', 'states', 'dataset', 'tasks', 'metrics', 'table' or 'file', got \"data\"",
    ],
    [
      'an ending is a path',
      stage("outputs: { a: { kind: 'file', summary: '', extension: '../x' } },"),
      "cannot be used: its default export is no stage: 'outputs.a.extension': expected the ending of a file such as 'json', got \"../x\"",
    ],
    ['it makes nothing', stage('outputs: {},'), 'cannot be used: its default export is no stage: it has no output'],
    [
      'it has no work',
      stage('run: undefined,'),
      "cannot be used: its default export is no stage: 'run': expected the function that does its work, got nothing",
    ],
    [
      'a hook is no function',
      stage('units: [],'),
      "cannot be used: its default export is no stage: 'units': expected a function, got []",
    ],
    [
      'it has what only stages of lamina have',
      stage('ports() {},'),
      "cannot be used: its default export is no stage: 'ports' is of lamina's own stages, expected a stage without it",
    ],
    [
      'its parameters are no schema of an object',
      stage("params: { type: 'string' },"),
      'cannot be used: its default export is no stage: \'params\': expected a JSON Schema of an object, such as Type.Object({}), got {"type":"string"}',
    ],
    [
      'its schema does not compile',
      stage("params: { type: 'object', properties: { a: { type: 'word' } } },"),
      /cannot be used: its default export is no stage: 'params': not a usable JSON Schema: schema is invalid/.source,
    ],
    ['it throws', "throw new TypeError('no data here');", 'cannot be loaded: TypeError: no data here'],
    ['it throws no error', 'throw 5;', 'cannot be loaded: it threw 5'],
    ['it imports what is not there', "import './gone.mjs';", 'cannot be loaded: Cannot find module'],
    [
      'it is named as a stage of lamina',
      stage("name: 'slw',"),
      "is named 'slw', as one of lamina's stages is: expected another name",
    ],
  ];
  it.each(refused)('%s', async (_, module, message) => {
    const found = await checked(folderWith(module));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`${place}  stage 'mine': './mine.mjs' ${message}`);
  });

  it('it is not there, and one of almost that name is', async () => {
    expect(await checked(folderWith(stage(), './mime.mjs'))).toEqual([
      `${place}  stage 'mine': './mime.mjs' does not exist (did you mean 'mine.mjs'?)`,
    ]);
  });

  it('it is TypeScript, where Node does not run that', async () => {
    const folder = folderWith(stage(), './mine.ts');
    renameSync(join(folder, 'mine.mjs'), join(folder, 'mine.ts'));
    const { typescript } = process.features as { typescript?: unknown };
    const sentence = `${place}  stage 'mine': './mine.ts' is TypeScript, which Node ${process.versions.node} does not run, expected JavaScript (.mjs) or Node 22.18 and later`;
    expect(await checked(folder)).toEqual(typescript ? [] : [sentence]);
  });

  it('it is a folder', async () => {
    const folder = folderWith(stage(), './lib');
    mkdirSync(join(folder, 'lib'));
    expect(await checked(folder)).toEqual([`${place}  stage 'mine': './lib' is a folder, expected a module (a file)`]);
  });

  it('its package is not installed, or does not export it', async () => {
    const folder = folderWith(stage(), 'my-package/metric');
    const missing = `'my-package/metric': there is no package 'my-package' in '${folder}' or above: install it there, or name a file with './my-package/metric'`;
    expect(await checked(folder)).toEqual([`${place}  stage 'mine': ${missing}`]);
    const home = join(folder, 'node_modules/my-package');
    mkdirSync(home, { recursive: true });
    writeFileSync(
      join(home, 'package.json'),
      '{ "name": "my-package", "version": "2.1.0", "exports": { "./other": "./a.js" } }',
    );
    expect(await checked(folder)).toEqual([
      `${place}  stage 'mine': 'my-package/metric': package 'my-package' 2.1.0 does not export './metric'`,
    ]);
  });

  it('another module has the same name', async () => {
    const folder = folderWith(stage());
    writeFileSync(join(folder, 'other.mjs'), stage());
    writeFileSync(
      join(folder, 'p.yaml'),
      `${pipeline('./mine.mjs')}  other: { use: ./other.mjs, in: { data: data.train } }\n`,
    );
    expect(await checked(folder)).toEqual([
      `p.yaml:5:17  stage 'other': './other.mjs' is named 'mine', as '${join(folder, 'mine.mjs')}' is: expected another name`,
    ]);
  });
});

describe('a module that can be used', () => {
  const wrong: [string, string, string, string][] = [
    [
      'an unknown parameter',
      stage(),
      'in: { data: data.train }, with: { lest: 1 }',
      "p.yaml:4:62  stage 'mine': unknown parameter 'lest' (did you mean 'least'?)",
    ],
    [
      'an item twice',
      stage(
        "params: { type: 'object', properties: { roles: { type: 'array', items: { type: 'string' }, uniqueItems: true } } },",
      ),
      'in: { data: data.train }, with: { roles: [q, gate, q] }',
      "p.yaml:4:69  stage 'mine': parameter 'roles' expects each item once, got 'q' twice",
    ],
    [
      'too short a list',
      stage("params: { type: 'object', properties: { roles: { type: 'array', items: {}, minItems: 1 } } },"),
      'in: { data: data.train }, with: { roles: [] }',
      "p.yaml:4:69  stage 'mine': parameter 'roles' expects at least 1 item, got 0",
    ],
    [
      'a value out of bounds',
      stage(),
      'in: { data: data.train }, with: { least: -1 }',
      "p.yaml:4:69  stage 'mine': parameter 'least' expects at least 0, got -1",
    ],
    [
      'a missing input',
      stage(),
      'with: { least: 1 }',
      "p.yaml:4:3  stage 'mine': input 'data' of kind 'dataset' is missing",
    ],
    [
      'parameters that do not go together',
      `import { UserError } from '${new URL('../../dist/util/errors.js', import.meta.url)}';\n${stage("check({ least }) { if (least > 5) throw new UserError('least above 5'); },")}`,
      'in: { data: data.train }, with: { least: 6 }',
      "p.yaml:4:3  stage 'mine': least above 5",
    ],
  ];
  it('that breaks while it is asked is said to have broken, with the place', async () => {
    const found = await checked(folderWith(stage('check() { return null.x; },')));
    expect(found[0]).toMatch(
      /^p\.yaml:4:3 {2}stage 'mine': 'check' of 'mine' broke: Cannot read properties of null .* \(at .*mine\.mjs:\d+:\d+\)$/,
    );
  });

  it.each(wrong)('has its uses checked: %s', async (_, module, more, message) => {
    const found = await checked(folderWith(module, './mine.mjs', more));
    expect(found[0]).toContain(message);
  });

  it('has the metrics checked that are asked of it', async () => {
    const folder = folderWith(stage());
    writeFileSync(join(folder, 'e.yaml'), experiment.replace('mine.words', 'mine.word'));
    expect(await complaints(folder)).toEqual([
      "e.yaml:3:9  metric 'mine.word': stage 'mine' (mine) has no metric 'word' (did you mean 'words'?)",
    ]);
  });

  it('stands in the plan by its name, with its module, its defaults and the place that names it', async () => {
    const folder = folderWith(stage());
    const plan = await loadPlan({ file: 'e.yaml', numerics, cwd: folder }, new Map(registry));
    expect(plan.nodes.find(({ stage }) => stage === 'mine')).toMatchObject({
      use: 'mine',
      module: join(folder, 'mine.mjs'),
      params: { least: 3 },
      origins: { '/use': { file: 'p.yaml', line: 4, column: 16 } },
    });
  });

  it('may come from a package, by its exports or by a path in it, and through a link', async () => {
    for (const [use, manifest] of [
      [
        'my-package/metric',
        '{ "version": "1.0.0", "exports": { "./metric": { "types": "./x.d.ts", "import": "./mine.mjs" } } }',
      ],
      ['@me/my-package/mine.mjs', '{ "version": "1.0.0" }'],
      ['@me/my-package', '{ "version": "1.0.0", "exports": "./mine.mjs" }'],
    ] as const) {
      const folder = folderWith(stage(), `'${use}'`);
      mkdirSync(join(folder, 'elsewhere'));
      renameSync(join(folder, 'mine.mjs'), join(folder, 'elsewhere/mine.mjs'));
      writeFileSync(join(folder, 'elsewhere/package.json'), manifest);
      mkdirSync(join(folder, 'node_modules/@me'), { recursive: true });
      symlinkSync(
        join(folder, 'elsewhere'),
        join(folder, 'node_modules', use.startsWith('@') ? '@me/my-package' : 'my-package'),
      );
      expect(await checked(folder)).toEqual([]);
    }
  });

  it('is found from the file that names it, which may be an included one', async () => {
    const folder = specFolder({
      'p.yaml':
        'pipeline: all\ninclude: [parts/mine.yaml]\nstages:\n  data: { use: dataset, with: { generate: arith } }\n',
      'parts/mine.yaml': 'pipeline: part\nstages:\n  mine: { use: ./mine.mjs, in: { data: data.train } }\n',
      'parts/mine.mjs': stage(),
      'e.yaml': experiment,
    });
    expect(await checked(folder)).toEqual([]);
  });
});
