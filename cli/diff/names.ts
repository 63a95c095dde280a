// How the two sides of a diff are named: NAME[@RUN][:PROFILE], SPEC[@REVISION][:PROFILE], or the folder of an outcome.
import { isShippedName } from '../../located/shipped.ts';
import { statusAt } from '../../util/file-status.ts';
import { isOutcomeFolder } from '../result/outcome-folder.ts';

/** A side as it was written. `at` is the run, or the revision; `results` is the outcome in the results folder. */
export interface SideName {
  kind: 'name' | 'spec' | 'outcome';
  /** The whole text, for messages. */
  text: string;
  /** The experiment's name, or the path of the spec or the folder. */
  name: string;
  at: string | undefined;
  profile: string | undefined;
}

/**
 * Reads the name of a side: a folder that holds an outcome is one; what comes with lamina, ends in .yaml or .yml, has a slash, or exists as a file,
 * is a spec.
 */
export function parseSideName(text: string): SideName {
  if (isFile(text)) return { kind: 'spec', text, name: text, at: undefined, profile: undefined };
  if (isOutcomeFolder(text)) return { kind: 'outcome', text, name: text, at: undefined, profile: undefined };
  if (isShippedName(text)) return shippedSide(text);
  const [, rest = text, profile] = /^(.+):([A-Za-z0-9_][A-Za-z0-9_.-]*)$/s.exec(text) ?? [];
  const [, file, revision] = /^(.*?\.ya?ml)(?:@(.*))?$/s.exec(rest) ?? [];
  if (file !== undefined) return { kind: 'spec', text, name: file, at: revision, profile };
  const at = rest.indexOf('@');
  const [name, after] = at < 0 ? [rest, undefined] : [rest.slice(0, at), rest.slice(at + 1)];
  return { kind: name.includes('/') || isFile(name) ? 'spec' : 'name', text, name, at: after, profile };
}

/** `lamina:quickstart[:PROFILE]`: it has no revisions. */
function shippedSide(text: string): SideName {
  const [, name = text, profile] = /^(lamina:[^:]*):([A-Za-z0-9_][A-Za-z0-9_.-]*)$/.exec(text) ?? [];
  return { kind: 'spec', text, name, at: undefined, profile };
}

function isFile(path: string): boolean {
  return !path.includes('\u0000') && (statusAt(path)?.isFile() ?? false);
}
