// The site file: where units run on this machine or cluster, found beside the store or named by --site.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import { checkShape } from '../../located/file-shape.ts';
import { valueSpan } from '../../located/located.ts';
import { parseYaml } from '../../located/yaml-source.ts';
import type { QueueTimes } from '../../runner/queue/queue-executor.ts';
import { type SiteFile, siteFile } from '../../schemas/site.ts';
import { readTime, timeWords } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import { fileError } from '../../util/system-error.ts';
import { projectFolder } from './project.ts';
import { shortPath } from './spec-name.ts';

const siteName = 'lamina.site.yaml';
/** A site file is written by hand. */
const most_bytes = 1 << 20;

export interface Site extends SiteFile {
  times: Partial<QueueTimes>;
}

/** What `--site`, or the file in the project's folder, says; nothing where there is none. Throws SpecErrors, UserError. */
export function readSite(given: string | undefined): Site {
  const path = resolve(given ?? join(projectFolder(), siteName));
  if (given === undefined && !existsSync(path)) return { times: {} };
  const source = { name: shortPath(path), text: textOf(path), folder: dirname(path), flag: false };
  const problems = new Problems();
  const tree = parseYaml(source, problems);
  const shaped = tree && checkShape(siteFile, tree, problems);
  const time = (name: 'poll' | 'gone_after' | 'submit_every') => {
    const text = shaped?.data[name];
    const value = text === undefined ? undefined : readTime(text);
    if (text !== undefined && value === undefined && shaped !== undefined) {
      problems.add(valueSpan(shaped.tree, [name]), `'${name}' expects ${timeWords}, got '${text}'`);
    }
    return value;
  };
  const [poll_ms, absent_ms, submit_ms] = [time('poll'), time('gone_after'), time('submit_every')];
  const { commands } = shaped?.data ?? {};
  for (const name of ['job', 'line'] as const) {
    const pattern = commands?.[name];
    if (shaped !== undefined && pattern !== undefined && !isPattern(pattern)) {
      problems.add(
        valueSpan(shaped.tree, ['commands', name]),
        `'commands.${name}' expects a pattern, got '${pattern}'`,
      );
    }
  }
  if (shaped === undefined || problems.count > 0) throw new SpecErrors(problems.list());
  const times = {
    ...(poll_ms !== undefined && { poll_ms }),
    ...(absent_ms !== undefined && { absent_ms }),
    ...(submit_ms !== undefined && { submit_ms }),
  };
  return { ...shaped.data, times };
}

function textOf(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw fileError(error, path, 'the site file');
  }
  if (bytes.length > most_bytes) throw new UserError(`the site file '${path}' has more than 1 MiB`);
  return bytes.toString();
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}
