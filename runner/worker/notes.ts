// The notes of a submission's tasks: small JSON files, written whole, read with care.
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BlobRef, isDigest } from '../../store/digest.ts';
import { type NoteName, notePath } from '../../store/submissions.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { isObject, type JsonObject } from '../../util/json.ts';
import { namesIn } from '../../util/names-in.ts';
import type { WorkerFailure } from '../attempt/protocol.ts';

const failureReasons: readonly WorkerFailure['reason'][] = [
  ...(['user-error', 'bug', 'output-missing', 'no-space', 'cancelled', 'input-damaged'] as const),
];

/** A note that is larger is none of ours. */
const most_bytes = 1 << 20;

/** Writes a note. What a full disk does not take is left out: the record decides, not the note. */
export function writeNote(folder: string, task: number, name: NoteName, value: JsonObject): void {
  const path = notePath(folder, task, name);
  ignoringErrors(() => {
    writeFileSync(`${path}.part`, JSON.stringify(value));
    renameSync(`${path}.part`, path);
  });
}

/** Takes away what an earlier beginning of the same job has noted. */
export function clearNotes(folder: string, task: number): void {
  for (const name of ['stopped', 'progress', 'end', 'exit'] as const) {
    ignoringErrors(() => rmSync(notePath(folder, task, name), { force: true }));
  }
}

/** The notes of all tasks, by task: which there are, from one listing of the folder. */
export function notesIn(folder: string): ReadonlyMap<number, ReadonlySet<NoteName>> {
  const found = new Map<number, Set<NoteName>>();
  for (const file of namesIn(folder)) {
    const [, task, name] = /^(\d{1,9})\.(begun|progress|stopped|end|exit|out)$/.exec(file) ?? [];
    if (task === undefined) continue;
    const names = found.get(Number(task)) ?? new Set();
    found.set(Number(task), names.add(name as NoteName));
  }
  return found;
}

/** What a note says; undefined for one that is not there or is no JSON object. */
export function readNote(folder: string, task: number, name: NoteName): JsonObject | undefined {
  let value: unknown;
  ignoringErrors(() => {
    value = JSON.parse(startOf(notePath(folder, task, name)));
  });
  return isObject(value) ? (value as JsonObject) : undefined;
}

/** A job's last word: its failure, or null for none. Undefined for what is no such word. */
export function readEnd(folder: string, task: number): { failure: WorkerFailure | null } | undefined {
  const { failure } = readNote(folder, task, 'end') ?? {};
  if (failure === null) return { failure };
  if (!isObject(failure) || typeof failure.message !== 'string') return undefined;
  const reason = failureReasons.find((each) => each === failure.reason);
  if (reason === undefined) return undefined;
  const { message } = failure;
  const stack = typeof failure.stack === 'string' ? failure.stack : null;
  const damaged = Array.isArray(failure.damaged) ? failure.damaged.flatMap(refIn) : undefined;
  return { failure: { reason, message, stack, ...(damaged && { damaged }) } };
}

function refIn(value: unknown): BlobRef[] {
  if (!isObject(value) || !isDigest(value.digest) || !Number.isSafeInteger(value.size)) return [];
  return [{ digest: value.digest, size: value.size as number }];
}

/** The number that the script wrote as its job's exit code. */
export function readExit(folder: string, task: number): number | undefined {
  let text = '';
  ignoringErrors(() => {
    text = startOf(notePath(folder, task, 'exit'));
  });
  return /^\d{1,3}\s*$/.test(text) ? Number(text) : undefined;
}

/** What the batch system itself wrote of a task. */
export function readOut(folder: string, task: number): string {
  let text = '';
  ignoringErrors(() => {
    text = startOf(join(folder, `${task}.out`));
  });
  return text;
}

function startOf(path: string): string {
  const handle = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.min(fstatSync(handle).size, most_bytes));
    return bytes.toString('utf8', 0, readSync(handle, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(handle);
  }
}
