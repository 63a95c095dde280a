// `lamina show`: the table of a run, from its record alone; nothing is computed.
import { dirname, relative } from 'node:path';
import type { RunResult } from '../../contract/result.ts';
import { expectedNames } from '../../located/nearest.ts';
import { isShippedName } from '../../located/shipped.ts';
import { renderCsv } from '../../report/table/csv.ts';
import { resultJson } from '../../report/table/json.ts';
import { renderLatex } from '../../report/table/latex.ts';
import { renderMarkdown } from '../../report/table/markdown.ts';
import { buildTable } from '../../report/table/table.ts';
import { warningSentences } from '../../report/table/warnings.ts';
import { writeDurably } from '../../store/durable.ts';
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { checkBundle, isBundle } from '../bundle/check-bundle.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import type { RemoteFlags } from '../common/remote.ts';
import type { Output } from '../common/terminal.ts';
import { isOutcomeFolder, readOutcome } from '../result/outcome-folder.ts';
import { resultText } from '../result/print-result.ts';
import { writeCells, writeParquet, writePictures } from '../result/result-files.ts';
import { type FoundResult, findResult } from '../runs/run-files.ts';
import { withRunPlaces } from '../runs/run-places.ts';

interface ShowFlags extends StoreFlags, RemoteFlags {
  format: string;
  profile?: string;
  out?: string;
  figures?: string;
}

type Form = (result: RunResult, found: FoundResult, out: Output, flags: ShowFlags) => string | Promise<string>;

const forms: Readonly<Record<string, Form>> = {
  text: (result, _found, out) => `${heading(result, out)}\n\n${resultText(result, out)}`,
  md: (result, _found, _out, flags) => renderMarkdown(result, { figures: figuresLink(flags) }),
  latex: (result) => renderLatex(buildTable(result), warningSentences(result)),
  csv: (result) => renderCsv(result),
  json: (result, { info }) => json(resultJson(result, info ?? kept)),
  html: async (result) => (await import('../../report/html/render.ts')).renderHtml(result),
};
/** An outcome is only kept of a run that was done. */
const kept = { status: 'done', failures: [] };
const noCells = { cells: [], axes: [], table: { beside: [] }, claims: [], warnings: [] };
/** Forms that are not text. */
const files: Readonly<Record<string, (path: string, result: RunResult) => Promise<void>>> = {
  arrow: writeCells,
  parquet: writeParquet,
};
const allForms = [...Object.keys(forms), ...Object.keys(files)];

/**
 * Prints the latest result of that name, that of `NAME@RUN`, or the outcome in a folder, in the form that was asked for, or writes it to a
 * file. Exit code 0 for a run that is done or still running, 1 for one that failed, was stopped, died or is damaged, also when it
 * was passed over for an earlier one.
 */
export async function show([name]: [string], flags: ShowFlags, context: Context): Promise<number> {
  const form = flags.json ? 'json' : flags.format;
  if (!allForms.includes(form)) throw new UserError(`unknown format '${form}'${expectedNames(form, allForms, '')}`);
  if (form in files && flags.out === undefined)
    throw new UserError(`the format '${form}' is not text: say with --out FILE where it is to be written`);
  const { out, err } = context.terminal;
  const found = (await findInBundle(name)) ?? (await find(name, flags, context));
  const { result, remark, warnings, whole, info, trials } = found;
  err.write(warnings.map((warning) => `${err.paint.bad('!')} ${warning}\n`).join(''));
  for (const each of [remark, trials]) if (each !== undefined) err.write(`${err.paint.faint(each)}\n`);
  if (result !== null) await showResult(result, found, form, flags, context);
  else if (form === 'json' && info !== null) out.write(json(resultJson({ ...info, ...noCells }, info)));
  return whole ? exitCodes.done : exitCodes.failed;
}

async function showResult(
  result: RunResult,
  found: FoundResult,
  form: string,
  flags: ShowFlags,
  context: Context,
): Promise<void> {
  const { out, err } = context.terminal;
  const { figures, out: file } = flags;
  if (figures !== undefined) {
    const written = await guarded(figures, () => writePictures(figures, result));
    err.write(written.map((path) => `${err.paint.faint(path)}\n`).join(''));
  }
  if (form === 'md' && figures === undefined && result.figures.length > 0)
    err.write(`${err.paint.faint('the figures are left out: name a folder for them with --figures DIR')}\n`);
  if (file === undefined) out.write((await forms[form]?.(result, found, out, flags)) ?? '');
  else {
    await guarded(file, () => writeForm(file, form, result, found, context, flags));
    err.write(`${err.paint.faint(file)}\n`);
  }
}

function json(value: JsonObject): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}

/** The table of a bundle, with what is damaged in it; undefined for what is none. */
async function findInBundle(name: string): Promise<FoundResult | undefined> {
  if (!isBundle(name)) return undefined;
  const { result, damages } = await checkBundle(name);
  if (result === undefined) throw new UserError([`the bundle '${name}' is damaged:`, ...damages].join('\n'));
  return { result, info: null, warnings: damages, remark: undefined, whole: damages.length === 0, trials: undefined };
}

async function find(name: string, flags: ShowFlags, context: Context): Promise<FoundResult> {
  if (isOutcomeFolder(name))
    return { result: readOutcome(name), info: null, warnings: [], remark: undefined, whole: true, trials: undefined };
  const experiment = experimentName(name);
  if (!experiment.includes('/')) return findKept(experiment, flags, context);
  throw new UserError(
    `'${name}' holds no outcome: expected NAME, NAME@RUN, or a folder with cells.json, as results/NAME/PROFILE`,
  );
}

/** A run of the local store or, where that has none of the name, of the shared one; else the outcome in the results folder. */
function findKept(name: string, flags: ShowFlags, context: Context): Promise<FoundResult> {
  return withRunPlaces(flags, context, async (places) => {
    const [experiment = '', wanted] = name.split('@', 2);
    const { store, remark } = await places.of(experiment, wanted, flags.profile);
    const found = findResult(name, store, flags.profile);
    const warnings = found.warnings.map((warning) => places.told(warning));
    return { ...found, warnings, remark: (found.remark && places.told(found.remark)) || remark };
  });
}

async function writeForm(
  file: string,
  form: string,
  result: RunResult,
  found: FoundResult,
  context: Context,
  flags: ShowFlags,
): Promise<void> {
  const whole = files[form];
  if (whole !== undefined) return whole(file, result);
  const { plainPaint } = await import('../../report/numbers/paint.ts');
  const output = { ...context.terminal.out, width: () => undefined, paint: plainPaint };
  writeDurably(file, (await forms[form]?.(result, found, output, flags)) ?? '');
}

/** What the file system refuses is the user's to mend. */
async function guarded<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    throw new UserError(`cannot write '${path}': ${error.message}`, { cause: error });
  }
}

/** Where a Markdown file finds the figures: the folder given, as seen from the file. Nothing where none are written. */
function figuresLink({ figures, out }: ShowFlags): string | undefined {
  if (figures === undefined) return undefined;
  const link = relative(out === undefined ? '.' : dirname(out), figures).replaceAll('\\', '/');
  return link === '' ? '.' : link;
}

/** Who gives the spec's path, or its name with lamina, means the experiment; by convention the file is named after it. */
function experimentName(name: string): string {
  const path = isShippedName(name) ? name.replace(/^lamina:(?:[^@]*\/)?/, '') : name;
  return path.replace(/^.*\/([^/@]+)\.ya?ml/, '$1').replace(/\.ya?ml(?=@|$)/, '');
}

function heading(result: RunResult, out: Output): string {
  const parts = [result.experiment, result.profile, result.run, ...result.overrides, ...(result.copies ?? [])];
  return `${out.paint.strong(result.title)}\n${out.paint.faint(parts.filter((part) => part !== '').join(' · '))}`;
}
