// Names of models and data sets on the Hugging Face Hub as specs give them: `hf://org/name@revision`.
import { UserError } from '../util/errors.ts';

/** What a hub name says. */
export interface HubName {
  type: 'model' | 'dataset';
  /** `org/name`. */
  repo: string;
  /** A branch, a tag or a commit; undefined stands for `main`. */
  revision: string | undefined;
  /** Of a data set: a file, a folder or a pattern inside the repository; of a model a GGUF file; '' when none is given. */
  path: string;
  /** The branch or tag that led to the commit `revision`; only in names that were pinned. */
  ref: string | undefined;
}

const scheme = 'hf://';
const expected =
  "expected 'hf://org/name', 'hf://org/name@revision', 'hf://org/name[@revision]/FILE.gguf' or 'hf://datasets/org/name[@revision][/file-or-pattern]'";
const longest = 1024;
/** Bytes that file systems allow for a name. */
const longestPart = 255;

/** True for what is meant as a name on the hub, well-formed or not. */
export function isHubName(text: string): boolean {
  return /^hf:/i.test(text);
}

/** Reads a hub name; a sentence instead, ready to follow `parameter 'path' `, when it is none. */
export function parseHubName(text: string): HubName | string {
  const wrong = (what: string) => `'${text.slice(0, 200)}' ${what}: ${expected}`;
  if (!text.startsWith(scheme)) return wrong('is no name on the hub');
  if (text.length > longest) return wrong(`is longer than ${longest} characters`);
  const [rest = '', ref] = text.slice(scheme.length).split('?ref=', 2);
  const isDataset = rest.startsWith('datasets/');
  if (rest.startsWith('models/') || rest.startsWith('spaces/')) return wrong(`names '${rest.split('/')[0]}/'`);
  const match = /^([^/@]+)\/([^/@]+)(?:@(refs\/(?:convert\/[^/]+|pr\/\d+)|[^/]+))?(?:\/(.*))?$/.exec(
    isDataset ? rest.slice('datasets/'.length) : rest,
  );
  if (match === null) return wrong("does not name a repository as 'org/name'");
  const [, org = '', name = '', written, path = ''] = match;
  if (![org, name].every(isRepoPart)) return wrong(`has a repository that cannot be ('${org}/${name}')`);
  const revision = written === undefined ? undefined : decoded(written);
  if (revision !== undefined && !isRevision(revision)) return wrong(`has a revision that cannot be ('${written}')`);
  if (ref !== undefined && !isRevision(ref)) return wrong('has a ref that cannot be');
  if (!isDataset && path !== '' && !path.endsWith('.gguf')) {
    return wrong('names a file of a model, and a model is taken whole unless it is one GGUF file');
  }
  const folder = path.replace(/\/$/, '');
  if (folder !== '' && !isSafePath(folder)) return wrong(`has a file name that cannot be ('${path}')`);
  return { type: isDataset ? 'dataset' : 'model', repo: `${org}/${name}`, revision, path: folder, ref };
}

/** Reads a hub name that a spec's check has let through. Throws UserError otherwise. */
export function hubName(text: string): HubName {
  const name = parseHubName(text);
  if (typeof name === 'string') throw new UserError(name);
  return name;
}

/** The name as a spec would write it, for messages; with `pinned` also how it came about. */
export function formatHubName({ type, repo, revision, path, ref }: HubName, pinned = false): string {
  const at = revision === undefined ? '' : `@${revision.startsWith('refs/') ? revision : encodeURIComponent(revision)}`;
  const from = pinned && ref !== undefined ? `?ref=${ref}` : '';
  return `${scheme}${type === 'dataset' ? 'datasets/' : ''}${repo}${at}${path === '' ? '' : `/${path}`}${from}`;
}

/** The same name at a commit; it remembers which branch or tag led there. */
export function pinHubName(name: HubName, commit: string): HubName {
  return { ...name, revision: commit, ref: isCommit(name.revision) ? undefined : (name.revision ?? 'main') };
}

/** True for the full SHA-1 of a commit. */
export function isCommit(revision: string | undefined): revision is string {
  return revision !== undefined && /^[0-9a-f]{40}$/.test(revision);
}

/**
 * True for a `/`-separated relative path that stays inside its folder on every system: no empty part, no `.` or `..`, none too
 * long, no backslash, colon or control character.
 */
export function isSafePath(path: string): boolean {
  if (path.length > longest || hasControl(path) || /[\\:]/.test(path)) return false;
  const fits = (part: string) => part !== '' && part !== '.' && part !== '..' && Buffer.byteLength(part) <= longestPart;
  return path.split('/').every(fits);
}

/** The hub's rule for the two parts of a repository's name. */
function isRepoPart(part: string): boolean {
  return /^[A-Za-z0-9_](?:[\w.-]{0,94}[\w])?$/.test(part) && !part.includes('--') && !part.includes('..');
}

function isRevision(revision: string): boolean {
  return isSafePath(revision) && /^[\w][\w./+-]*$/.test(revision);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function hasControl(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f');
}
