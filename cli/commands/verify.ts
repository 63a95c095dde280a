// `lamina verify`: reads the whole store over, and puts aside what is damaged, so that the next run makes it again.

import { describeUnit } from '../../runner/survey/events.ts';
import type { KeptRecord } from '../../store/upkeep/inventory.ts';
import { type Damaged, type Verified, verifyStore } from '../../store/upkeep/verify.ts';
import { formatBytes } from '../../util/amounts.ts';
import { printable } from '../../util/printable.ts';
import { checkBundle } from '../bundle/check-bundle.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { StoreFlags } from '../common/flags.ts';
import { openedToChange } from '../common/opened.ts';
import { sayLocalAlone } from '../common/remote.ts';
import { countOf, shortPath } from '../common/spec-name.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { progressLine } from '../upkeep/progress-line.ts';

/** Units that are named one by one. */
const mostUnits = 20;

/** Verifies the store, or a bundle. Exit code 1 when something was found. */
export async function verify([bundle]: [string?], flags: StoreFlags, context: Context): Promise<number> {
  return bundle === undefined ? verifyPlace(flags, context) : verifyBundle(bundle, flags, context);
}

/** Nothing of a bundle is put aside: whoever made it has to make it again. */
async function verifyBundle(folder: string, { json }: StoreFlags, { terminal: { out } }: Context): Promise<number> {
  const { manifest, result, damages } = await checkBundle(folder);
  const { files, left_out } = manifest;
  const { cells = [] } = result ?? {};
  if (json)
    out.write(`${JSON.stringify({ files: files.length, cells: cells.length, damages, left_out }, undefined, 1)}\n`);
  else {
    const verdict =
      damages.length === 0
        ? `${countOf(files.length, 'file')} as they were written, ${countOf(cells.length, 'cell')} made again from their records`
        : `${damages.length} damaged`;
    out.write(`${[...damages, verdict].map(printable).join('\n')}\n`);
  }
  return damages.length > 0 ? exitCodes.failed : exitCodes.done;
}

async function verifyPlace({ store: place, json }: StoreFlags, context: Context): Promise<number> {
  const { out, err } = context.terminal;
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const line = progressLine(err);
  const store = await openedToChange(place, context);
  sayLocalAlone(context);
  try {
    const told = (done: number, all: number) =>
      line.show(`${formatBytes(done)} of ${formatBytes(all)} read over`, done / all);
    const found = await verifyStore(store, { signal: stop.signal, told });
    line.clear();
    out.write(json ? `${JSON.stringify(jsonOf(found), undefined, 1)}\n` : textOf(found, store.folder));
    return found.damaged.length > 0 ? exitCodes.failed : exitCodes.done;
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    line.clear();
    err.write('stopped; what was found damaged by then has been put aside\n');
    return exitCodes.stopped;
  } finally {
    store.close();
    stop.dispose();
  }
}

function textOf(found: Verified, folder: string): string {
  const { artifacts, records, read_bytes, damaged, absent, strays } = found;
  const read = `${countOf(artifacts, 'artifact')} (${formatBytes(read_bytes)}) and ${countOf(records, 'record')} read over`;
  const gone = absent === 0 ? [] : [`${countOf(absent, 'artifact')} of records not there: made again when needed`];
  const odd = strays.map((path) => `'${shortPath(path)}' is neither an artifact nor a record; it is left alone`);
  const verdict =
    damaged.length === 0
      ? 'all as they were written'
      : `${damaged.length} damaged, put aside in '${shortPath(folder)}/quarantine'`;
  return `${[...damaged.flatMap(damagedLines), ...odd, ...gone, `${read}: ${verdict}`].map(printable).join('\n')}\n`;
}

function damagedLines({ what, name, detail, records }: Damaged): string[] {
  if (what === 'run') return [detail];
  const head = what === 'artifact' ? `artifact ${name.slice(0, 12)} ${detail}` : detail;
  const named = records.slice(0, mostUnits).map((record) => `  ${unitText(record)}: the next run makes it again`);
  const left = records.length - named.length;
  return [head, ...named, ...(left > 0 ? [`  and ${left} units more`] : [])];
}

function unitText({ experiment, stage, cell, unit }: KeptRecord): string {
  return `${experiment}, ${describeUnit({ stage, cell, unit })}`;
}

function jsonOf({ damaged, ...counts }: Verified) {
  const short = ({ key, experiment, stage, cell, unit }: KeptRecord) => ({ key, experiment, stage, cell, unit });
  return { ...counts, damaged: damaged.map((each) => ({ ...each, records: each.records.map(short) })) };
}
