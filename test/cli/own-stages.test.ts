// Stages of a user's own in real runs: what breaks in them, what is edited under them, what is killed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { laminaProcess, realProgram, start, workFolder } from './program.ts';

const made: { remove(): void }[] = [];
afterAll(() => {
  for (const folder of made) folder.remove();
});

/** A stage without inputs, with `work` as its work; nothing is imported from lamina. */
const stage = (work: string, name = 'mine') => `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { value } from './value.mjs';
export default {
  name: '${name}',
  summary: 'a stage of my own',
  params: { type: 'object', properties: { go: { type: 'string', default: '' } } },
  inputs: {},
  outputs: { metrics: { kind: 'metrics', summary: 'a number', extension: 'json' } },
  async run({ params, units: [unit], signal }) {
    const done = (n) => { writeFileSync(unit.outputs.metrics, JSON.stringify({ n })); return unit.done(); };
    ${work}
  },
};
`;

function folderWith(files: Record<string, string>): string {
  const folder = workFolder();
  made.push(folder);
  const all = {
    'p.yaml': `pipeline: p\nstages:\n  mine: { use: ./mine.mjs, with: { go: ${folder.path}/go } }\n`,
    'e.yaml': 'experiment: e\npipeline: p.yaml\nmetric: mine.n\n',
    'value.mjs': 'export const value = 1;\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder.path;
}

async function value(folder: string, name = 'e'): Promise<number> {
  const { out } = await laminaProcess(folder, 'show', name, '--format', 'json');
  return (JSON.parse(out) as { cells: [{ value: number }] }).cells[0].value;
}

/** Waits for the file `go`, having said with `go.began` that it waits. */
const wait = "writeFileSync(params.go + '.began', ''); while (!existsSync(params.go)) await sleep(5);";

async function began(folder: string): Promise<ReturnType<typeof start>> {
  const run = start(realProgram, folder, 'run', 'e.yaml');
  while (!existsSync(join(folder, 'go.began'))) await sleep(5);
  return run;
}

describe('a stage of one’s own', () => {
  it('that does not parse is a mistake in the spec', async () => {
    const { code, err } = await laminaProcess(folderWith({ 'mine.mjs': 'export default {\n' }), 'check', 'e.yaml');
    expect(err).toContain(
      "p.yaml:3:16  stage 'mine': './mine.mjs' cannot be loaded: SyntaxError: Unexpected end of input",
    );
    expect(code).toBe(2);
  });

  it('that takes more memory than there is does not begin, unless it is told to', async () => {
    const cost = 'cost: () => ({ flops: 0, memory_bytes: 1e15, written_bytes: 0 }),\n  inputs: {},';
    const folder = folderWith({ 'mine.mjs': stage('return done(value);').replace('inputs: {},', cost) });
    const { code, err } = await laminaProcess(folder, 'run', 'e.yaml');
    expect(err).toMatch(
      /stage '[^']*mine[^']*' is estimated to take .* of memory, and this machine has .* --no-memory-check/,
    );
    expect(code).toBe(2);
    expect((await laminaProcess(folder, 'run', 'e.yaml', '--no-memory-check')).code).toBe(0);
    expect((await laminaProcess(folder, 'run', 'e.yaml')).code).toBe(0); // nothing is left to run
  });

  it('that refuses is told without a stack, one that breaks with it', async () => {
    const refusing = folderWith({
      'mine.mjs': stage("throw Object.assign(new Error('no, because of 3'), { name: 'UserError' });"),
    });
    const refused = await laminaProcess(refusing, 'run', 'e.yaml');
    expect(refused.err).toMatch(/✗ stage 'mine': no, because of 3\n/);
    expect(refused.code).toBe(1);
    const broken = await laminaProcess(folderWith({ 'mine.mjs': stage('null.x;') }), 'run', 'e.yaml');
    expect(broken.err).toContain(
      "stage 'mine': it broke, which is a bug: Cannot read properties of null (reading 'x')",
    );
  });

  it('whose code is edited while it runs does not give a result to the old code', async () => {
    const folder = folderWith({ 'mine.mjs': stage(`${wait} await done(value);`) });
    const run = await began(folder);
    writeFileSync(join(folder, 'value.mjs'), 'export const value = 2;\n');
    writeFileSync(join(folder, 'go'), '');
    expect((await run.ended).err).toContain("stage 'mine': the code of the stage was changed while it ran; run again");
    await laminaProcess(folder, 'run', 'e.yaml');
    expect(await value(folder)).toBe(2);
  });

  it('that waits at its top level for what never comes is told, where Node would end without a word', async () => {
    const folder = folderWith({ 'mine.mjs': 'await new Promise(() => {});\nexport default {};\n' });
    const { code, err } = await start(realProgram, folder, 'check', 'e.yaml').ended;
    expect(err).toContain("'./mine.mjs' cannot be loaded: it waits at its top level for what never comes");
    expect(code).toBe(2);
  });

  it('that is killed goes on from its scratch folder', async () => {
    const state =
      "const state = unit.scratch + '/state'; const step = existsSync(state) ? Number(readFileSync(state, 'utf8')) : 0; writeFileSync(state, String(step + 1));";
    const folder = folderWith({ 'mine.mjs': stage(`${state} ${wait} await done(step);`) });
    const run = await began(folder);
    run.child.kill('SIGKILL');
    await run.ended;
    writeFileSync(join(folder, 'go'), '');
    expect((await laminaProcess(folder, 'run', 'e.yaml')).code).toBe(0);
    expect(await value(folder)).toBe(1); // the step that the killed attempt had kept
  });

  it('may have the name of another one in another spec of the same command', async () => {
    const folder = folderWith({
      'mine.mjs': stage('await done(value);'),
      'other/mine.mjs': stage('await done(value);'),
      'other/value.mjs': 'export const value = 7;\n',
      'other/p.yaml': 'pipeline: p\nstages:\n  mine: { use: ./mine.mjs }\n',
      'other/e.yaml': 'experiment: other\npipeline: p.yaml\nmetric: mine.n\n',
    });
    expect((await laminaProcess(folder, 'run', 'e.yaml', 'other/e.yaml')).code).toBe(0);
    expect([await value(folder), await value(folder, 'other')]).toEqual([1, 7]);
    // the same code and parameters are the same work, wherever they stand
    writeFileSync(join(folder, 'other/value.mjs'), 'export const value = 1;\n');
    writeFileSync(join(folder, 'other/p.yaml'), readFileSync(join(folder, 'p.yaml'), 'utf8'));
    expect((await laminaProcess(folder, 'run', 'other/e.yaml')).err).toContain('1 unit: 1 cached, 0 to run');
  });
});
