// Writes the small outcome of a plain run into the results folder, to be committed.
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Provenance, RunResult } from '../../contract/result.ts';
import { renderMarkdown } from '../../report/table/markdown.ts';
import { fsyncFolder, writeDurably } from '../../store/durable.ts';
import { sweepTemporaries, temporaryName } from '../../store/temporary.ts';
import { UserError } from '../../util/errors.ts';
import { ignoringErrors } from '../../util/ignoring-errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { namesIn } from '../../util/names-in.ts';
import { resultsFolder } from '../common/project.ts';
import { inTurn } from './in-turn.ts';
import { sumsName, sumsOf } from './outcome-folder.ts';
import { writeCells, writeFigures } from './result-files.ts';

/**
 * Writes `cells.json`, `cells.arrow`, `provenance.json`, `table.md`, the figures and the digests of these: equal numbers give equal bytes,
 * so git shows what moved. All of it is made beside the place first, so that of runs that end together one is there whole. Returns the
 * folder. Throws UserError.
 */
export async function writeOutcome(result: RunResult): Promise<string> {
  const around = join(resultsFolder(), result.experiment);
  const folder = join(around, result.profile);
  const unfinished = join(around, temporaryName());
  try {
    makeFolders(unfinished);
    for (const each of [around, folder, join(folder, 'figures')]) sweepTemporaries(each);
    await writeOutcomeFiles(unfinished, result);
    await inTurn(`${folder}.lock`, () => moveOutcome(unfinished, folder));
  } catch (error) {
    throw new UserError(`cannot write the outcome into '${folder}': ${(error as Error).message}`, { cause: error });
  } finally {
    ignoringErrors(() => rmSync(unfinished, { recursive: true, force: true }));
  }
  return folder;
}

/** Writes the files of an outcome into an empty folder. */
export async function writeOutcomeFiles(folder: string, result: RunResult): Promise<void> {
  const {
    run: _run,
    summary: _summary,
    overrides: _overrides,
    timings: _timings,
    environments: _own,
    provenance,
    ...rest
  } = result;
  const { warnings, ...plain } = rest;
  const stable = warnings.length === 0 ? plain : rest;
  writeDurably(join(folder, 'cells.json'), `${JSON.stringify(stable, undefined, 1)}\n`);
  if (provenance !== null) writeDurably(join(folder, 'provenance.json'), provenanceText(provenance));
  writeDurably(join(folder, 'table.md'), renderMarkdown(result, { figures: 'figures' }));
  await writeCells(join(folder, 'cells.arrow'), result);
  await writeFigures(join(folder, 'figures'), result);
  writeDurably(join(folder, sumsName), sumsOf(folder));
}

/** Moves a whole outcome to its place, the digests last, and takes away the figures that it no longer has. */
function moveOutcome(from: string, to: string): void {
  makeFolders(to);
  const drawn = namesIn(join(from, 'figures'));
  if (drawn.length > 0) makeFolders(join(to, 'figures'));
  for (const name of namesIn(join(to, 'figures')))
    if (name.endsWith('.svg') && !drawn.includes(name)) rmSync(join(to, 'figures', name), { force: true });
  const files = namesIn(from).filter((name) => name !== 'figures' && name !== sumsName);
  for (const name of [...files, ...drawn.map((name) => `figures/${name}`), sumsName])
    renameSync(join(from, name), join(to, name));
  fsyncFolder(to);
}

/** One line for each node, set of parameters and unit: small, and git shows which of them changed. */
function provenanceText(provenance: Provenance): string {
  const lists = Object.entries(provenance).map(([name, list]: [string, readonly unknown[]]) => {
    const lines = list.map((each) => `  ${JSON.stringify(each)}`).join(',\n');
    return ` "${name}": [${lines === '' ? '' : `\n${lines}\n `}]`;
  });
  return `{\n${lists.join(',\n')}\n}\n`;
}
