// `lamina show`: the table of a run, from its record alone; nothing is computed.
import { renderCsv } from '../../report/render-csv.ts';
import { resultJson } from '../../report/render-json.ts';
import { renderLatex } from '../../report/render-latex.ts';
import { renderMarkdown } from '../../report/render-markdown.ts';
import { buildTable } from '../../report/table.ts';
import { expectedNames } from '../../spec/nearest.ts';
import type { RunResult } from '../../spec/result.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { StoreFlags } from '../flags.ts';
import { resultText } from '../print-result.ts';
import { findResult } from '../run-files.ts';
import type { Output } from '../terminal.ts';

interface ShowFlags extends StoreFlags {
  format: string;
  profile?: string;
}

const forms: Readonly<Record<string, (result: RunResult, out: Output) => string>> = {
  text: (result, out) => `${heading(result, out)}\n\n${resultText(result, out)}`,
  md: renderMarkdown,
  latex: (result) => renderLatex(buildTable(result)),
  csv: renderCsv,
  json: (result) => `${JSON.stringify(resultJson(result), undefined, 1)}\n`,
};

/** Prints the latest result of that name, or that of `NAME@RUN`, in the form that was asked for. */
export async function show([name]: [string], flags: ShowFlags, context: Context): Promise<number> {
  const form = flags.json ? 'json' : flags.format;
  const render = forms[form];
  if (render === undefined)
    throw new UserError(`unknown format '${form}'${expectedNames(form, Object.keys(forms), '')}`);
  const { out, err } = context.terminal;
  const { result, remark } = findResult(experimentName(name), flags.store, flags.profile);
  if (remark !== undefined) err.write(`${err.paint.faint(remark)}\n`);
  out.write(render(result, out));
  return exitCodes.done;
}

/** Who gives the spec's path means the experiment; by convention the file is named after it. */
function experimentName(name: string): string {
  return name.replace(/^.*\/([^/@]+)\.ya?ml/, '$1').replace(/\.ya?ml(?=@|$)/, '');
}

function heading(result: RunResult, out: Output): string {
  const parts = [result.experiment, result.profile, result.run, ...result.overrides];
  return `${out.paint.strong(result.title)}\n${out.paint.faint(parts.filter((part) => part !== '').join(' · '))}`;
}
