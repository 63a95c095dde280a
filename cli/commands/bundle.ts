// `lamina bundle`: everything that a reader needs to hold a table against what it was made of, in one folder.
import { join } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { readText, type SpecOrigin } from '../../located/source-file.ts';
import { openStore } from '../../store/open-store.ts';
import { formatBytes } from '../../util/amounts.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { isArchiveName, writeArchive } from '../bundle/archive.ts';
import type { Manifest } from '../bundle/manifest.ts';
import { writeBundle } from '../bundle/write-bundle.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { planOf } from '../common/plan-request.ts';
import { saying } from '../common/saying.ts';
import { countOf, planCommand } from '../common/spec-name.ts';
import { checkFileTarget, checkTarget, Target } from '../export/target.ts';
import { cachedRun } from '../runs/cached-run.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';

interface BundleFlags extends PlanFlags {
  to: string;
  /** A run of the spec's experiment, in the place of the spec as it is. */
  run?: string;
  largestInput: number;
}

const archiveName = 'bundle.tar';

/** Writes the bundle of a spec, or of a run of it. Everything has to be in the store. */
export async function bundle([text]: [string], flags: BundleFlags, context: Context): Promise<number> {
  const isFile = isArchiveName(flags.to);
  if (isFile) checkFileTarget(flags.to);
  else checkTarget(flags.to, flags.store);
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const wanted = await wantedPlan(await runOf(text, flags, context), flags, registry);
  if (wanted.changed !== undefined) err.write(warningLines([wanted.changed], err));
  const specFiles: string[] = [];
  const origin: SpecOrigin = {
    read: (path) => {
      specFiles.push(path);
      return readText(path);
    },
    suffix: '',
  };
  const plan = await planOf(wanted.spec, wanted.flags, registry, origin);
  const way = planCommand('run', wanted.spec, wanted.flags);
  const store = await openStore(flags.store, { mode: 'read', say: saying(context) });
  const target = new Target(flags.to);
  try {
    const run = await cachedRun(plan, store, way, context);
    const parts = { plan, run, store, specFiles, largestInput_bytes: flags.largestInput };
    const folder = isFile ? join(target.unfinished, 'bundle') : target.unfinished;
    makeFolders(folder);
    const manifest = await writeBundle(folder, parts);
    if (isFile) {
      await writeArchive(join(target.unfinished, archiveName), folder, manifest);
      target.finishFile(archiveName);
    } else target.finish();
    out.write(flags.json ? `${JSON.stringify(manifest, undefined, 1)}\n` : textOf(manifest, plan, flags.to));
  } finally {
    target.drop();
    store.close();
  }
  return exitCodes.done;
}

async function runOf(text: string, flags: BundleFlags, context: Context): Promise<string> {
  if (flags.run === undefined) return text;
  const { plan } = await wantedPlan(text, flags, await context.registry());
  return `${plan.experiment}@${flags.run}`;
}

function textOf({ files, spec, left_out, experiment }: Manifest, { cells }: Plan, to: string): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const first = cells[0];
  const only = Object.entries(first?.axes ?? {}).map(([axis, value]) => `${axis}=${value}`);
  const enter = isArchiveName(to) ? `tar xf ${to} && cd ${experiment}` : `cd ${to}`;
  const lines = [
    `${to}: ${countOf(files.length, 'file')}, ${formatBytes(bytes)}`,
    ...left_out.map((name) => `not in it: ${name}`),
    `lamina verify ${to}   compares everything, and makes the table again from the records`,
    `lamina show ${to}     prints the table`,
    `${enter} && lamina run ${spec} --frozen --store ../again --only ${only.join(',')}   makes one cell again`,
  ];
  return `${lines.join('\n')}\n`;
}
