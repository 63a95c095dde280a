// `lamina diff`: what differs between two runs, two specs, or a spec and a revision of itself; nothing is run.
import { expectedNames } from '../../located/nearest.ts';
import type { Diff } from '../../report/diff/diff.ts';
import { renderDiffHtml } from '../../report/diff/html.ts';
import { diffJson } from '../../report/diff/json.ts';
import { renderDiffMarkdown } from '../../report/diff/markdown.ts';
import { renderDiffText } from '../../report/diff/text.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { openToFetch, type RemoteFlags } from '../common/remote.ts';
import { type Output, textOptions } from '../common/terminal.ts';
import { compare } from '../diff/compare.ts';
import type { Numbers } from '../diff/results.ts';
import { findSides } from '../diff/sides.ts';
import { type RunPlaces, withRunPlaces } from '../runs/run-places.ts';

interface DiffFlags extends StoreFlags, RemoteFlags {
  profile?: string;
  format: string;
  all?: boolean;
  exitCode?: boolean;
}

const forms: Readonly<Record<string, (diff: Diff, out: Output, flags: DiffFlags) => string>> = {
  text: (diff, out, { all }) => renderDiffText(diff, { ...textOptions(out), all }),
  md: renderDiffMarkdown,
  json: (diff) => `${JSON.stringify(diffJson(diff), undefined, 1)}\n`,
  html: renderDiffHtml,
};

/** Prints what differs. Exit code 0, with --exit-code 1 where something does. */
export async function diff(
  [first, second]: [string, string | undefined],
  flags: DiffFlags,
  context: Context,
): Promise<number> {
  const form = flags.json ? 'json' : flags.format;
  const render = Object.hasOwn(forms, form) ? forms[form] : undefined;
  if (render === undefined)
    throw new UserError(`unknown format '${form}'${expectedNames(form, Object.keys(forms), '')}`);
  const found = await withRunPlaces(flags, context, async (places) => {
    const sides = await findSides(second === undefined ? [first] : [first, second], { ...flags, places }, context);
    return compare(sides, numbersOf(flags, places, context), context);
  });
  const { out } = context.terminal;
  out.write(render(found, out, flags));
  return flags.exitCode === true && !found.equal ? exitCodes.failed : exitCodes.done;
}

/** The numbers of specs: with a shared store those there too, which are fetched into the local one. */
function numbersOf(flags: DiffFlags, { there }: RunPlaces, context: Context): Numbers {
  const where = there === undefined ? `'${flags.store}'` : `'${flags.store}' or '${there.name}'`;
  return { where, open: () => openToFetch(flags.store, flags, context) };
}
