// Makes the folder of a submission: its tasks, and the script that each of them runs.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../store/make-folder.ts';
import { readTasks, submissionFolder, type TaskLine, tasksText } from '../../store/submissions.ts';
import { guardWrite } from '../../store/write-error.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { isObject } from '../../util/json.ts';

/** What a script calls. */
export interface JobProgram {
  /** The file that a job runs; it calls `carryOutTask`. */
  program: string;
  node: string;
}

/** Exit codes after which a task may go on: asked to stop, killed, ended. */
const openCodes = '75 | 137 | 143';

/** Writes the folder of submission `id`; returns the script. Throws StoreWriteError. */
export function writeSubmission(
  store: string,
  id: string,
  tasks: readonly TaskLine[],
  { program, node }: JobProgram,
  taskVariable: string,
): { folder: string; script: string } {
  const folder = submissionFolder(store, id);
  const script = join(folder, 'script.sh');
  guardWrite(store, 'a submission', () => {
    makeFolder(store, folder);
    writeFileSync(join(folder, 'tasks'), tasksText(tasks));
    writeFileSync(script, scriptText(folder, [node, program, store, id], taskVariable), { mode: 0o755 });
  });
  return { folder, script };
}

/** The shell stays, so that the exit code of a program that dies is known; what is asked to stop is the program. */
function scriptText(folder: string, words: readonly string[], taskVariable: string): string {
  return `#!/bin/sh
# Written by lamina. Task N carries out the attempt on line N + 1 of the file 'tasks' beside this one.
here=${quoted(folder)}
task=\${${taskVariable}:-0}
line=$(sed -n "$((task + 1))p" "$here/tasks")
[ -n "$line" ] || exit 0
log=\${line#* }
log=\${log#* }
trap : TERM INT
${words.map(quoted).join(' ')} "$task" >>"$log" 2>&1
code=$?
case $code in
  ${openCodes}) ;;
  *) echo $code >"$here/$task.exit.part" && mv "$here/$task.exit.part" "$here/$task.exit" ;;
esac
exit $code
`;
}

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Keeps what the batch system calls a submission, for whoever waits for it later. */
export function noteJob(folder: string, job: string): void {
  ignoringErrors(() => writeFileSync(join(folder, 'job.json'), JSON.stringify({ job, user: userId() })));
}

/** A submission that another process made. */
export function openSubmission(
  store: string,
  id: string,
): { folder: string; job: string | undefined; user: string | undefined; tasks: number } {
  const folder = submissionFolder(store, id);
  let kept: unknown;
  ignoringErrors(() => {
    kept = JSON.parse(readFileSync(join(folder, 'job.json'), 'utf8'));
  });
  const word = (name: string) => (isObject(kept) && typeof kept[name] === 'string' ? kept[name] : undefined);
  return { folder, job: word('job'), user: word('user'), tasks: readTasks(folder).length };
}

/** A job whose last word was heard may still be writing its exit code there. */
export function removeSubmission(folder: string): void {
  ignoringErrors(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 10 }));
}

/** This user's number; '' where the system has none. */
export function userId(): string {
  return String(process.getuid?.() ?? '');
}
