// What a command costs before it does anything: whole processes against an empty one of Node, in the same run.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { median } from '../util/statistics.ts';
import { figure, figureWithSpread } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { compiledProgram, program, root } from './place.ts';

/** A command line and its times in each round: processor time of all threads, and the ratio to the empty process of that round. */
export interface StartRow {
  name: string;
  cpus_ms: number[];
  ratios: number[];
}

const spec = join(root, 'experiments/quickstart.yaml');

const commands: readonly { name: string; args: readonly string[] }[] = [
  { name: '`lamina --version`', args: ['--version'] },
  { name: '`lamina check quickstart.yaml`', args: ['check', spec] },
  { name: '`lamina plan quickstart.yaml`', args: ['plan', spec] },
];

/** The process itself says what it used, when it ends. */
const report = `data:text/javascript,${encodeURIComponent(`import { writeSync } from 'node:fs';
process.on('exit', () => { const { user, system } = process.cpuUsage(); writeSync(3, String(user + system)); });`)}`;

/** Measures in turn, round by round; a first round, which fills the caches of the system and of Node, is not counted. */
export function benchStart({ rounds }: { rounds: number }, say: (line: string) => void): StartRow[] {
  const rows = commands.flatMap(({ name, args }) => [
    { name, args: [program, ...args], cpus_ms: [] as number[], ratios: [] as number[] },
    { name: `${name}, not bundled`, args: [compiledProgram, ...args], cpus_ms: [] as number[], ratios: [] as number[] },
  ]);
  const empty = { name: '`node -e 0`', args: ['-e', '0'], cpus_ms: [] as number[], ratios: [] as number[] };
  for (let round = 0; round <= rounds; round++) {
    say(`start: round ${round} of ${rounds}`);
    const base = cpuOf(empty.args);
    if (round > 0) empty.cpus_ms.push(base);
    for (const { args, cpus_ms, ratios } of rows) {
      const cpu_ms = cpuOf(args);
      if (round === 0) continue;
      cpus_ms.push(cpu_ms);
      ratios.push(cpu_ms / base);
    }
  }
  return [empty, ...rows];
}

/** Milliseconds of processor time; an Error when the process fails. */
function cpuOf(args: readonly string[]): number {
  const stdio: ('ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe', 'pipe'];
  const ended = spawnSync(process.execPath, ['--import', report, ...args], { cwd: root, stdio });
  if (ended.status !== 0) throw new Error(`'${args.join(' ')}' ended with code ${ended.status}:\n${ended.stderr}`);
  return Number(ended.output[3]?.toString()) / 1000;
}

/** The results as Markdown. */
export function startReport(rows: readonly StartRow[]): string {
  const body = rows.map(({ name, cpus_ms, ratios }) => [name, figure(median(cpus_ms)), figureWithSpread(ratios)]);
  return markdownTable(['process', 'CPU ms', 'times an empty process'], body);
}
