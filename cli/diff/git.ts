// Files as they were in a git revision, read with the user's git; nothing is checked out and nothing in the tree is run.
import { execFile } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { hasCode, UserError } from '../../util/errors.ts';

/** Larger files are neither specs nor outcomes. */
const largest_bytes = 64 * 1024 * 1024;

/** A revision of the repository that a file lies in. */
export interface Revision {
  /** As the user wrote it. */
  name: string;
  /** The bytes of a file at an absolute path, or why there are none: a sentence that goes on after its name. */
  read(path: string): Promise<Uint8Array | string>;
  /** True for a file within the repository. */
  holds(path: string): boolean;
}

/** There is no git repository around a file. */
export class NoRepository extends UserError {}

/** Opens revision `name` of the repository around `path`. Throws UserError: no git, no repository, no such revision. */
export async function openRevision(path: string, name: string): Promise<Revision> {
  checkRevision(name);
  const folder = existingFolder(dirname(path));
  const root = (await git(folder, ['rev-parse', '--show-toplevel'], noRepository(folder))).toString().trimEnd();
  const unknown = () => new UserError(`git knows no revision '${name}' in '${root}' (see 'git log --oneline')`);
  const commit = await git(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${name}^{commit}`], unknown);
  const id = commit.toString().trim();
  const holds = (file: string) => insideOf(root, file) !== undefined;
  return { name, read: (file) => readAt(root, id, name, file), holds };
}

/** What git would take for a flag, or no program can be given. */
function checkRevision(name: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (name !== '' && !name.startsWith('-') && !/[\u0000-\u001f\u007f]/.test(name)) return;
  throw new UserError(`'${name}' cannot be a git revision, expected something like 'HEAD~1', a branch or a commit`);
}

async function readAt(root: string, commit: string, revision: string, path: string): Promise<Uint8Array | string> {
  const inside = insideOf(root, path);
  if (inside === undefined) return `lies outside of the git repository '${root}'`;
  const name = `${commit}:${inside.split(sep).join('/')}`;
  const found = await call(root, ['cat-file', 'blob', name]);
  if (found.status === 'done') return found.out;
  if (found.status === 'large') return `is larger than ${largest_bytes / 1024 / 1024} MiB at revision '${revision}'`;
  if (/does not exist in|exists on disk, but not in/.test(found.err)) return `is not in git at revision '${revision}'`;
  if (/bad file/.test(found.err)) return `is no file at revision '${revision}'`;
  throw new UserError(`git cannot read '${path}' at revision '${revision}': ${firstLine(found.err)}`);
}

/** The path of a file within the repository; undefined where it lies outside. */
function insideOf(root: string, path: string): string | undefined {
  const inside = relative(root, realPath(path));
  return inside.startsWith('..') || isAbsolute(inside) ? undefined : inside;
}

function noRepository(folder: string): (err: string) => UserError {
  return (err) => {
    if (/not a git repository/.test(err))
      return new NoRepository(`'${folder}' is not in a git repository, so it has no revisions`);
    return new UserError(`git cannot read the repository around '${folder}': ${firstLine(err)}`);
  };
}

/** Git's output; a failure is thrown as the UserError that `explain` makes of what git wrote. */
async function git(
  folder: string,
  args: readonly string[],
  explain: (err: string) => UserError,
): Promise<Uint8Array & Buffer> {
  const ended = await call(folder, args);
  if (ended.status === 'done') return ended.out;
  throw explain(ended.status === 'failed' ? ended.err : 'its answer is too long');
}

type Ended = { status: 'done'; out: Buffer } | { status: 'failed'; err: string } | { status: 'large' };

function call(folder: string, args: readonly string[]): Promise<Ended> {
  // sentences are read in English, and nothing is asked, fetched or locked
  const quiet = { LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', GIT_OPTIONAL_LOCKS: '0' };
  const options = {
    cwd: folder,
    env: { ...process.env, ...quiet },
    maxBuffer: largest_bytes,
    encoding: 'buffer',
  } as const;
  return new Promise((done, fail) => {
    execFile('git', args, options, (error, out, err) => {
      if (error === null) done({ status: 'done', out });
      else if (hasCode(error, 'ENOENT')) {
        fail(new UserError('comparing with a git revision needs git, which is not installed or not on the PATH'));
      } else if (hasCode(error, 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')) done({ status: 'large' });
      else if (typeof error.code === 'number') done({ status: 'failed', err: err.toString() });
      else fail(new UserError(`git was ended by ${error.signal ?? 'an error'}: ${error.message}`));
    });
  });
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').replace(/^fatal: /, '');
}

/** `folder`, or the nearest folder above that exists: a revision may have folders that are gone now. */
function existingFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

/** Without symbolic links, as git names its root; what does not exist keeps its name. */
function realPath(path: string): string {
  if (dirname(path) === path) return path;
  try {
    return realpathSync(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTDIR')) throw error;
    return join(realPath(dirname(path)), basename(path));
  }
}
