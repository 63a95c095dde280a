// The graphs as lamina's specs: an axis where a user would write one, named stages elsewhere.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '../place.ts';
import { type Shape, shellLine, type Task } from './shapes.ts';
import type { Runner } from './side.ts';

/** lamina, as users start it. */
export function laminaRunner(version: string): Runner {
  return {
    name: 'lamina',
    version,
    async open(folder, shape) {
      mkdirSync(folder, { recursive: true });
      const spec = join(folder, 'experiment.yaml');
      const command = (name: string) => ({
        program: process.execPath,
        args: [program, name, spec, '--store', join(folder, 'store')],
        cwd: folder,
      });
      return {
        write: (tasks) => writeSpec(folder, shape, tasks),
        commands: { run: command('run'), dry: command('plan') },
      };
    },
  };
}

/** Writes `pipeline.yaml` and `experiment.yaml` into `folder`. */
export function writeSpec(folder: string, shape: Shape, tasks: readonly Task[]): void {
  const { stages, params = '', axes = '', targets } = specParts(shape, tasks);
  writeFileSync(join(folder, 'pipeline.yaml'), `pipeline: ${shape}\nsummary: small files\n${params}stages:\n${stages}`);
  const head = `experiment: ${shape}\npipeline: pipeline.yaml\n`;
  writeFileSync(join(folder, 'experiment.yaml'), `${head}targets: [${targets.join(', ')}]\n${axes}`);
}

function specParts(shape: Shape, tasks: readonly Task[]) {
  const params = 'params:\n  cell: { type: string }\n';
  const axis = (texts: readonly string[]) => `axes:\n  cell: [${texts.map((text) => `"${text}"`).join(', ')}]\n`;
  const cell = `\${cell}`;
  if (shape === 'wide') {
    const all = tasks.map(({ text }) => text);
    return { params, axes: axis(all), stages: stageText('t', [], cell, 'again0'), targets: ['t'] };
  }
  if (shape === 'grid') {
    const [a, b, c] = tasks as [Task, Task, Task];
    const texts = tasks.flatMap(({ text }, i) => (i % 3 === 0 ? [text] : []));
    const rest = stageText('b', ['a'], b.text, b.note) + stageText('c', ['b'], c.text, c.note);
    return { params, axes: axis(texts), stages: stageText('a', [], cell, a.note) + rest, targets: ['c'] };
  }
  const read = new Set(tasks.flatMap(({ reads }) => reads));
  const targets = tasks.flatMap(({ name }) => (read.has(name) ? [] : [name]));
  const stages = tasks.map(({ name, reads, text, note }) => stageText(name, reads, text, note)).join('');
  return { stages, targets };
}

/** The program is a line for the shell, its first words what it writes and its text, the others what it reads. */
const line = (note: string) => shellLine({ note, text: '"$1"', inputs: '', output: '"$0"' });
const reading = (note: string) =>
  `text="$1"; shift; ${shellLine({ note, text: '"$text"', inputs: '"$@"', output: '"$0"' })}`;

function stageText(name: string, reads: readonly string[], text: string, note: string): string {
  const program = reads.length === 0 ? line(note) : reading(note);
  const inputs = reads.map((_, i) => `"{in.i${i}}"`);
  const run = ['sh', '-c', `'${program}'`, '"{out.made}"', `"${text}"`, ...inputs].join(', ');
  const joined = reads.map((read, i) => `i${i}: ${read}.made`).join(', ');
  const ports = reads.map((_, i) => `i${i}: {}`).join(', ');
  const into = reads.length === 0 ? '' : ` in: { ${joined} },`;
  const given = reads.length === 0 ? '' : ` inputs: { ${ports} },`;
  return `  ${name}: { use: command,${into} with: { run: [${run}],${given} outputs: { made: {} } } }\n`;
}
