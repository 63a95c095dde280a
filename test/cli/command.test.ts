// The stage `command` with real programs: Node itself, so that nothing else has to be installed.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { whenGone } from '../processes.ts';
import { lamina } from './in-process.ts';
import { type Ended, realProgram, start, workFolder } from './program.ts';

const made: { remove(): void }[] = [];
afterAll(() => {
  for (const folder of made) folder.remove();
});

interface Setup {
  /** The program, run by Node as `score.mjs`. */
  script?: string;
  /** Parameters of the command, as YAML in braces; `run` unless it is among them. */
  with?: string;
  joined?: string;
  files?: Record<string, string>;
}

const outputs = 'outputs: { metrics: { kind: metrics, fields: [n] } }';
const written =
  "import { writeFileSync as write } from 'node:fs';\nconst [data, out, ...rest] = process.argv.slice(2);\n";

/** A folder with a data set, and a command that reads it. */
function folderWith({
  script = '',
  with: given = outputs,
  joined = 'in: { data: data.train }, ',
  files = {},
}: Setup): string {
  const folder = workFolder();
  made.push(folder);
  const run = given.includes('run:')
    ? ''
    : 'run: [node, score.mjs, "{in.data}", "{out.metrics}"], files: [score.mjs], inputs: { data: { kind: dataset } }, ';
  const all = {
    'score.mjs': `${written}${script}`,
    'p.yaml': `pipeline: p\nparams:\n  k: { type: integer, default: 1 }\nstages:\n  data: { use: dataset, with: { generate: dolly, records: 20 } }\n  score: { use: command, ${joined}with: { ${run}${given} } }\n`,
    'e.yaml': 'experiment: e\npipeline: p.yaml\nmetric: score.n\n',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder.path, name)), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  }
  return folder.path;
}

const value = async (folder: string): Promise<number> => {
  const { out } = await lamina(folder, 'show', 'e', '--format', 'json');
  return (JSON.parse(out) as { cells: [{ value: number }] }).cells[0].value;
};
const units = ({ err }: Ended): string => /units: (.*)$/m.exec(err)?.[1] ?? err;

describe('a command', () => {
  it('gets what is declared, and nothing else', async () => {
    const folder = folderWith({
      script: `import { readdirSync, readFileSync } from 'node:fs';
const said = { env: Object.keys(process.env).sort(), home: readdirSync(process.env.HOME), lang: process.env.LANG, files: readdirSync('.', { recursive: true }).sort(), rest, word: process.env.WORD };
write('said.json', JSON.stringify(said));
write(out, JSON.stringify({ n: readFileSync(data, 'utf8').trim().split('\\n').length }));`,
      with: `run: [node, score.mjs, "{in.data}", "{out.metrics}", "{param.k}", '{"a": 1}', "--to={out.metrics}"], files: [score.mjs, "lib/*.txt"], inputs: { data: { kind: dataset } }, outputs: { metrics: { kind: metrics, fields: [n] }, said: { file: said.json, extension: json } }, params: { k: "\${k}" }, env: { WORD: 7 }, env_from: [LAMINA_TEST_TAKEN, LAMINA_TEST_UNSET]`,
      files: { 'lib/a.txt': 'a', 'lib/b.txt': 'b', 'lib/c.md': 'c', 'secret.txt': 's' },
    });
    process.env.LAMINA_TEST_TAKEN = 'x';
    process.env.LAMINA_TEST_LEFT = 'y';
    const ran = await lamina(folder, 'run', 'e.yaml');
    expect(ran.code).toBe(0);
    expect(await value(folder)).toBe(19); // the records of its input: one of 20 is set aside
    await lamina(folder, 'copy', 'e.yaml', 'score', '--to', 'out');
    const said = JSON.parse(readFileSync(join(folder, 'out/said.json'), 'utf8'));
    // the shell and the system add nothing of their own on Linux and macOS but __CF_USER_TEXT_ENCODING
    expect(said.env.filter((name: string) => !name.startsWith('__CF'))).toEqual([
      'HOME',
      'LAMINA_TEST_TAKEN',
      'LANG',
      'PATH',
      'WORD',
    ]);
    expect(said).toMatchObject({
      home: [],
      lang: 'C.UTF-8',
      word: '7',
      files: ['lib', 'lib/a.txt', 'lib/b.txt', 'score.mjs'],
    });
    expect(said.rest.slice(0, 2)).toEqual(['1', '{"a": 1}']);
    expect(said.rest[2]).toMatch(/^--to=\/.*metrics/);
    process.env.LAMINA_TEST_TAKEN = 'z';
    expect((await lamina(folder, 'why', 'e.yaml', 'score')).out).toContain('params.env.LAMINA_TEST_TAKEN  x → z');
    process.env.LAMINA_TEST_TAKEN = 'x';
    process.env.LAMINA_TEST_LEFT = 'changed';
    expect(units(await lamina(folder, 'run', 'e.yaml'))).toBe('2 cached, 0 to run');
  });

  it('runs again when one of its files, a parameter or the set of its files changes, and not for a neighbour', async () => {
    const folder = folderWith({
      script: 'write(out, JSON.stringify({ n: 1 }));',
      with: `files: [score.mjs, "lib/**/*.txt", "tools"], run: [node, score.mjs, "{in.data}", "{out.metrics}"], inputs: { data: { kind: dataset } }, ${outputs}`,
      files: { 'lib/deep/a.txt': 'a', 'tools/t.txt': 't' },
    });
    expect(units(await lamina(folder, 'run', 'e.yaml'))).toBe('0 cached, 2 to run');
    writeFileSync(join(folder, 'lib/deep/neighbour.md'), 'n');
    expect(units(await lamina(folder, 'run', 'e.yaml'))).toBe('2 cached, 0 to run');
    for (const [name, text] of [
      ['lib/deep/a.txt', 'b'],
      ['lib/new.txt', 'n'],
      ['tools/u.txt', 'u'],
      ['score.mjs', `${written}write(out, '{"n": 2}');`],
    ] as const) {
      writeFileSync(join(folder, name), text);
      expect(units(await lamina(folder, 'run', 'e.yaml'))).toBe('1 cached, 1 to run');
    }
    expect(await value(folder)).toBe(2);
  });

  it('has its stray files named in a warning', async () => {
    const folder = folderWith({ script: "write(out, '{\"n\": 1}'); write('left.txt', ''); write('also.txt', '');" });
    const { code, err } = await lamina(folder, 'run', 'e.yaml');
    expect(code).toBe(0);
    expect(err).toContain(
      "! stage 'score': the program wrote 'also.txt', 'left.txt' to its working folder, which no output names: they are thrown away; give an output 'file' to keep one",
    );
  });

  const node = process.execPath;
  const failures: [string, Setup, string | RegExp][] = [
    [
      'an exit code, with the last lines',
      {
        script: "for (let i = 0; i < 30; i++) console.log('line', i); console.error('it broke'); process.exitCode = 3;",
      },
      /stage 'score': the program 'node' ended with exit code 3, and said at last what stands below; its output is in '.*\.log'\n( {4}line 2\d\n){9} {4}it broke\n/,
    ],
    [
      'an exit code without a word',
      { script: 'process.exit(4);' },
      "stage 'score': the program 'node' ended with exit code 4 without a word",
    ],
    ['a signal', { script: "process.kill(process.pid, 'SIGABRT');" }, /the program 'node' crashed \(SIGABRT\)/],
    [
      'no memory',
      { script: "process.kill(process.pid, 'SIGKILL');" },
      "the program 'node' was killed (SIGKILL), most likely because memory ran out",
    ],
    [
      'a program that is not there',
      { with: `run: [no-such-program, "{in.data}", "{out.metrics}"], inputs: { data: { kind: dataset } }, ${outputs}` },
      "stage 'score': there is no program 'no-such-program' on PATH: install it, or name it with its path",
    ],
    [
      'a program that may not be run',
      {
        with: `run: [./tool, "{in.data}", "{out.metrics}"], files: [tool], inputs: { data: { kind: dataset } }, ${outputs}`,
        files: { tool: '#!/bin/sh\n' },
      },
      "stage 'score': the program './tool' may not be run: give it its permission (chmod +x), or name what runs it",
    ],
    [
      'an output that is not written',
      { script: 'process.exit(0);' },
      "stage 'score': the program ended without output 'metrics': expected it to write it to {out.metrics}",
    ],
    [
      'an output that is not in the working folder',
      { script: 'write(out, \'{"n": 1}\');', with: 'outputs: { metrics: { kind: metrics }, log: { file: log.txt } }' },
      "stage 'score': the program ended without output 'log': expected it to write it to 'log.txt' in its working folder",
    ],
    ['metrics with NaN', { script: 'write(out, \'{"n": NaN}\');' }, /output 'metrics', which is of kind 'metrics'/],
    [
      'metrics that are a list',
      { script: "write(out, '[1]');" },
      "output 'metrics': expected a JSON object with numbers, got other JSON",
    ],
    [
      'metrics without a field',
      { script: 'write(out, \'{"m": 1}\');' },
      "output 'metrics': expected a number 'n', as its 'fields' say, got the keys 'm'",
    ],
    [
      'a file that is not declared',
      { script: "await import('./neighbour.mjs');", files: { 'neighbour.mjs': '' } },
      /code: 'ERR_MODULE_NOT_FOUND'/,
    ],
  ];
  it.each(failures)('that fails is told in a sentence: %s', async (_, setup, message) => {
    const { code, err } = await lamina(folderWith(setup), 'run', 'e.yaml');
    expect(err).toMatch(
      typeof message === 'string' ? new RegExp(message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')) : message,
    );
    expect(code).toBe(1);
  });

  it('is run by its own path with its permission, and by a shell that is named', async () => {
    const folder = folderWith({
      with: `run: [./tool, "{in.data}", "{out.metrics}"], files: [tool], inputs: { data: { kind: dataset } }, ${outputs}`,
      files: { tool: `#!${node}\nrequire('node:fs').writeFileSync(process.argv[3], '{"n": 5}');\n` },
    });
    chmodSync(join(folder, 'tool'), 0o755);
    await lamina(folder, 'run', 'e.yaml');
    expect(await value(folder)).toBe(5);
    const shell = folderWith({
      with: `run: [sh, -c, 'wc -l < "$0" | sed "s/.*/{\\"n\\": &}/" > "$1"', "{in.data}", "{out.metrics}"], inputs: { data: { kind: dataset } }, ${outputs}`,
    });
    expect((await lamina(shell, 'run', 'e.yaml')).err).not.toContain('failed');
    expect(await value(shell)).toBe(19);
  });
});

describe('what is wrong with a command is said when its spec is read', () => {
  const inputs = 'inputs: { data: { kind: dataset } }';
  const refused: [string, Setup, string][] = [
    [
      'a name that is no input',
      { with: `run: [x, "{in.dat}", "{out.metrics}"], ${inputs}, ${outputs}` },
      "'run': {in.dat} names no input (did you mean 'data'?)",
    ],
    [
      'a name that is no parameter',
      { with: `run: [x, "{in.data}", "{out.metrics}", "{param.k}"], ${inputs}, ${outputs}` },
      "'run': {param.k} names no parameter, there is none",
    ],
    [
      'an input that is not handed over',
      { with: `run: [x, "{out.metrics}"], ${inputs}, ${outputs}` },
      "input 'data' is not handed to the program: expected {in.data} among the arguments of 'run'",
    ],
    [
      'a parameter that is not handed over',
      { with: `run: [x, "{in.data}", "{out.metrics}"], params: { k: 1 }, ${inputs}, ${outputs}` },
      "parameter 'k' is not handed to the program",
    ],
    [
      'an output without a place',
      { with: `run: [x, "{in.data}"], ${inputs}, ${outputs}` },
      "output 'metrics' has no place: expected {out.metrics} among the arguments of 'run', or 'file' with its name in the working folder",
    ],
    [
      'an output outside',
      { with: `run: [x, "{in.data}"], ${inputs}, outputs: { metrics: { kind: metrics, file: ../m.json } }` },
      "output 'metrics': 'file' expects a name in the working folder, got '../m.json'",
    ],
    [
      'fields of no metrics',
      {
        with: `run: [x, "{in.data}", "{out.metrics}"], ${inputs}, outputs: { metrics: { kind: metrics }, more: { fields: [n], file: m } }`,
      },
      "output 'more': 'fields' are of kind 'metrics', got kind 'file'",
    ],
    [
      'a pattern that matches nothing',
      { with: `run: [x, "{in.data}", "{out.metrics}"], files: ["lib/*.py"], ${inputs}, ${outputs}` },
      "'files': 'lib/*.py' matches no file in",
    ],
    [
      'a file of elsewhere',
      { with: `run: [x, "{in.data}", "{out.metrics}"], files: [/etc/hosts], ${inputs}, ${outputs}` },
      "'files': '/etc/hosts' lies outside the pipeline's folder, expected { as: its name in the working folder, path: ... }",
    ],
    [
      'a variable twice',
      { with: `run: [x, "{in.data}", "{out.metrics}"], env: { A: 1 }, env_from: [A], ${inputs}, ${outputs}` },
      "variable 'A' stands under 'env' and 'env_from', expected one of them",
    ],
    [
      'a kind that does not fit',
      { with: `run: [x, "{in.data}", "{out.metrics}"], inputs: { data: { kind: checkpoint } }, ${outputs}` },
      "input 'data' expects kind 'checkpoint', got 'dataset' from stage 'data.train'",
    ],
    [
      'a metric that no field names',
      {
        with: `run: [x, "{in.data}", "{out.metrics}"], ${inputs}, outputs: { metrics: { kind: metrics, fields: [m] } }`,
      },
      "metric 'score.n': stage 'score' (command) has no metric 'n' (did you mean 'm'?)",
    ],
    [
      'ports that are interpolated',
      {
        with: `run: [x, "{in.data}", "{out.metrics}"], ${inputs}, outputs: { metrics: { kind: metrics, optional: "\${k}" } }`,
      },
      "parameter 'outputs.metrics.optional' expects true or false, got 1",
    ],
  ];
  it.each(refused)('%s', async (_, setup, message) => {
    const { code, err } = await lamina(folderWith(setup), 'check', 'e.yaml');
    expect(err).toContain(message);
    expect(code).toBe(2);
  });

  it('ports belong to the pipeline: an experiment cannot change them', async () => {
    const folder = folderWith({ script: '' });
    const { err } = await lamina(folder, 'plan', 'e.yaml', '--set', 'score.outputs.more={file: x}');
    expect(err).toContain(
      "stage 'score': its inputs and outputs are not those that the pipeline declares: write them out there, without ${...}",
    );
  });
});

describe('several commands', () => {
  /** Three stages one after the other in one worker; the second one fails where `broken` is there. */
  function chain(script: string): string {
    const stage = (name: string, joined: string) =>
      `  ${name}: { use: command, ${joined}with: { run: [node, step.mjs, "{out.metrics}", ${name}${joined === '' ? '' : ', "{in.before}"'}], files: [step.mjs], ${joined === '' ? '' : 'inputs: { before: { kind: metrics } }, '}outputs: { metrics: { kind: metrics, fields: [parent] } } } }\n`;
    const stages =
      stage('a', '') + stage('b', 'in: { before: a.metrics }, ') + stage('c', 'in: { before: b.metrics }, ');
    const files = {
      'step.mjs': `import { existsSync, writeFileSync as write } from 'node:fs';\nconst [out, name] = process.argv.slice(2);\n${script}`,
      'p.yaml': `pipeline: p\nstages:\n${stages}`,
      'e.yaml':
        'experiment: e\npipeline: p.yaml\naxes: { at: { values: { a: { metric: a.parent }, b: { metric: b.parent }, c: { metric: c.parent } } } }\n',
    };
    return folderWith({ files });
  }

  const parents = async (folder: string): Promise<number[]> => {
    const { out } = await lamina(folder, 'show', 'e', '--format', 'json');
    return (JSON.parse(out) as { cells: { value: number }[] }).cells.map((cell) => cell.value);
  };

  it('of one worker have one process that watches over them', async () => {
    const folder = chain('write(out, JSON.stringify({ parent: process.ppid }));');
    expect((await lamina(folder, 'run', 'e.yaml', '-j', '1')).code).toBe(0);
    expect(new Set(await parents(folder))).toHaveLength(1);
    await whenGone(...(await parents(folder))); // it ends with the worker, and that a moment after the run
  });

  it('that follow one that was killed with all around it run', async () => {
    const folder = chain(`write(out, JSON.stringify({ parent: process.ppid }));
if (name === 'b' && !existsSync('${'$'}{mark}')) { write('${'$'}{mark}', ''); process.kill(process.ppid, 'SIGKILL'); }`);
    const mark = join(folder, 'mark');
    const step = join(folder, 'step.mjs');
    writeFileSync(step, readFileSync(step, 'utf8').replaceAll('${mark}', mark));
    const first = await lamina(folder, 'run', 'e.yaml', '-j', '1');
    expect(first.code).toBe(1);
    expect(first.err).toContain('the process that watches over it was killed');
    expect((await lamina(folder, 'run', 'e.yaml', '-j', '1')).code).toBe(0);
    const [a, b, c] = await parents(folder);
    expect(b).toBe(c);
    expect(a).not.toBe(b);
  });

  it('have all that they print in the log, in its order, before the next one begins', async () => {
    const folder =
      chain(`for (let i = 0; i < 20000; i++) process.stdout.write(name + ' says line ' + i + ' of many\\n');
write(out, JSON.stringify({ parent: 1 }));`);
    expect((await lamina(folder, 'run', 'e.yaml', '-j', '1')).code).toBe(0);
    for (const name of ['a', 'b', 'c']) {
      const { out } = await lamina(folder, 'logs', 'e.yaml', name);
      const lines = out.split('\n').filter((line) => line.includes(' says line '));
      expect(lines.at(-1)).toContain(`${name} says line 19999 of many`);
      expect(lines.filter((line) => !line.includes(`${name} says`))).toEqual([]);
    }
  });
});

describe('a command that is stopped', () => {
  /** Says where it is, and stays until its group is told to end; what it started in the background stays too. */
  const script = `import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
const [scratch, mark] = rest;
const step = existsSync(scratch + '/step') ? Number(readFileSync(scratch + '/step', 'utf8')) : 0;
write(scratch + '/step', String(step + 1));
if (existsSync(mark + '.go')) write(out, JSON.stringify({ n: step }));
else {
  process.on('SIGTERM', () => { write(mark + '.term', ''); process.exit(1); });
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  write(mark, process.pid + ' ' + other.pid);
  setInterval(() => {}, 1000);
}`;

  async function begun(): Promise<{ folder: string; mark: string; child: ReturnType<typeof start>; pids: number[] }> {
    const folder = folderWith({
      script,
      with: `run: [node, score.mjs, "{in.data}", "{out.metrics}", "{scratch}", "{param.mark}"], files: [score.mjs], inputs: { data: { kind: dataset } }, params: { mark: MARK }, ${outputs}`,
    });
    const mark = join(folder, 'mark');
    writeFileSync(join(folder, 'p.yaml'), readFileSync(join(folder, 'p.yaml'), 'utf8').replace('MARK', mark));
    const child = start(realProgram, folder, 'run', 'e.yaml');
    while (!existsSync(mark) || !readFileSync(mark, 'utf8').includes(' ')) await sleep(5);
    const pids = readFileSync(mark, 'utf8').split(' ').map(Number);
    return { folder, mark, child, pids };
  }

  it('by Ctrl-C gets SIGTERM, leaves nothing behind, and goes on from its scratch folder', async () => {
    const { folder, mark, child, pids } = await begun();
    child.child.kill('SIGINT');
    expect((await child.ended).code).toBe(130);
    await whenGone(...pids);
    expect(existsSync(`${mark}.term`)).toBe(true);
    writeFileSync(`${mark}.go`, '');
    expect((await lamina(folder, 'run', 'e.yaml')).code).toBe(0);
    expect(await value(folder)).toBe(1); // the step that the stopped attempt had kept
  });

  it('by kill -9 of lamina ends with it, and goes on from its scratch folder', async () => {
    const { folder, mark, child, pids } = await begun();
    child.child.kill('SIGKILL');
    await child.ended;
    await whenGone(...pids);
    writeFileSync(`${mark}.go`, '');
    expect((await lamina(folder, 'run', 'e.yaml')).code).toBe(0);
    expect(await value(folder)).toBe(1);
  });
});
