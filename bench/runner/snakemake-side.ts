// The graphs for Snakemake: one rule whose inputs and parameters are looked up by the name of its output.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, mustRun } from '../whole-process.ts';
import { contentsOf, leavesOf, shellLine, type Task } from './shapes.ts';
import type { Runner } from './side.ts';

/** Snakemake from the environment whose programs are in `bin`. */
export async function snakemakeRunner(bin: string): Promise<Runner> {
  const command = (cwd: string, ...args: string[]): Command => ({ program: join(bin, 'snakemake'), args, cwd });
  const version = (await mustRun(command(bin, '--version'))).output.trim();
  return {
    name: 'Snakemake',
    version,
    async open(folder) {
      mkdirSync(join(folder, 'out'), { recursive: true });
      writeFileSync(join(folder, 'Snakefile'), snakefile);
      return {
        write: (tasks) => writeFileSync(join(folder, 'tasks.json'), tasksJson(tasks)),
        async settle(tasks) {
          for (const [name, text] of contentsOf(tasks)) writeFileSync(join(folder, 'out', name), text);
          await mustRun(command(folder, '--cores', '2', '--touch', '--quiet', 'all'));
        },
        commands: {
          run: command(folder, '--cores', '2', '--quiet', 'all'),
          dry: command(folder, '--dry-run', '--quiet', 'all'),
        },
      };
    },
  };
}

function tasksJson(tasks: readonly Task[]): string {
  const byName = Object.fromEntries(tasks.map(({ name, ...rest }) => [name, rest]));
  return JSON.stringify({ tasks: byName, leaves: leavesOf(tasks) });
}

const line = shellLine({ text: '{params.text}', note: '{params.note}', inputs: '{input}', output: '{output}' });

const snakefile = `import json
with open("tasks.json") as file:
    graph = json.load(file)
tasks = graph["tasks"]

rule all:
    input: [f"out/{name}" for name in graph["leaves"]]

rule task:
    input: lambda wildcards: [f"out/{read}" for read in tasks[wildcards.name]["reads"]]
    output: "out/{name}"
    params:
        text=lambda wildcards: tasks[wildcards.name]["text"],
        note=lambda wildcards: tasks[wildcards.name]["note"]
    shell: "${line}"
`;
