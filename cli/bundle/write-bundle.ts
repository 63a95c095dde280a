// Makes the folder of a bundle: a project with a spec, its lock, its outcome, its records, and what is small of inputs and artifacts.
import { cpSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import type { Plan } from '../../contract/plan.ts';
import { isHubName } from '../../hub/name.ts';
import { shippedName } from '../../located/shipped.ts';
import { lockedPlanOf, withPlan } from '../../runner/lock/lock.ts';
import { lockText } from '../../runner/lock/lock-file.ts';
import { type RunOutcome, succeeded, type UnitSuccess } from '../../runner/run/outcome.ts';
import { codeFiles } from '../../store/code-digest.ts';
import { digestFile } from '../../store/digest.ts';
import { writeDurably } from '../../store/durable.ts';
import { openFileStore } from '../../store/file-store.ts';
import { layoutOf } from '../../store/layout.ts';
import { type OutputRef, recordText, type StoreRecord } from '../../store/record.ts';
import { findOne, type Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { makeFolders } from '../../util/make-folders.ts';
import { packageVersion } from '../common/package-version.ts';
import { projectFolder } from '../common/project.ts';
import { projectPath } from '../common/spec-name.ts';
import { lockPath } from '../lock/lock-place.ts';
import { writeOutcomeFiles } from '../result/write-outcome.ts';
import type { CachedRun } from '../runs/cached-run.ts';
import { filesOf, type Manifest, manifestName } from './manifest.ts';

/** What goes into a bundle. */
export interface Bundled {
  plan: Plan;
  run: CachedRun;
  store: Store;
  /** The spec files that were read, absolute. */
  specFiles: readonly string[];
  /** Inputs above this size are left out. */
  largestInput_bytes: number;
}

/** Artifacts above this size are left out: activations and checkpoints, which are made again where somebody needs them. */
export const largestArtifact_bytes = 1024 * 1024;

/** Writes a bundle into an empty folder. Throws UserError for a spec that lies outside of the project. */
export async function writeBundle(folder: string, bundled: Bundled): Promise<Manifest> {
  const { plan, run, specFiles } = bundled;
  const root = resolve(projectFolder());
  for (const file of [...specFiles, ...modulesOf(plan)]) copyInside(file, root, folder);
  const left_out = copyInputs(bundled, root, folder);
  await copyRecords(run.outcome, bundled.store, join(folder, '.lamina'));
  const lock = relative(root, resolve(lockPath(plan)));
  const locked = lockedPlanOf(plan, run.outcome, run.result.cells, projectPath);
  writeDurably(join(folder, lock), lockText(withPlan(undefined, plan.experiment, locked)));
  const outcome = join('results', plan.experiment, plan.profile);
  makeFolders(join(folder, outcome));
  await writeOutcomeFiles(join(folder, outcome), run.result);
  const { experiment, profile, overrides, copies } = plan;
  const flags = [...overrides, ...copies];
  const named = { lamina: packageVersion(), experiment, profile, flags, spec: projectPath(plan.file) };
  const head = { format: 'lamina-bundle', version: 1, ...named, lock, outcome, left_out } as const;
  const manifest: Manifest = { ...head, files: await filesOf(folder) };
  writeDurably(join(folder, manifestName), `${JSON.stringify(manifest, undefined, 1)}\n`);
  return manifest;
}

function modulesOf({ nodes }: Plan): string[] {
  const modules = new Set(nodes.flatMap(({ module }) => (module === undefined ? [] : [module])));
  return [...new Set([...modules].flatMap(codeFiles))];
}

/** Copies a file to its place as seen from the project. */
function copyInside(path: string, root: string, folder: string): void {
  if (shippedName(path, root) !== undefined) return; // the reader's lamina has it
  const place = placeIn(root, path);
  if (place === undefined)
    throw new UserError(
      `'${path}' lies outside of the project '${root}', so a bundle cannot hold it in its place: copy it into the project`,
    );
  makeFolders(dirname(join(folder, place)));
  cpSync(path, join(folder, place));
}

function placeIn(root: string, path: string): string | undefined {
  const place = relative(root, path);
  return place === '' || place === '..' || place.startsWith(`..${sep}`) || isAbsolute(place) ? undefined : place;
}

/** Copies the inputs that are small and in the project; the names of the others. */
function copyInputs({ run, plan, largestInput_bytes }: Bundled, root: string, folder: string): string[] {
  const left: string[] = [];
  for (const { name } of lockedPlanOf(plan, run.outcome, [], (path) => path).sources) {
    if (!isHubName(name) && shippedName(name, root) !== undefined) continue;
    const place = isHubName(name) ? undefined : placeIn(root, name);
    if (place === undefined || sizeOf(name) > largestInput_bytes) left.push(isHubName(name) ? name : projectPath(name));
    else {
      makeFolders(dirname(join(folder, place)));
      cpSync(name, join(folder, place), { recursive: true, dereference: true });
    }
  }
  return left;
}

function sizeOf(path: string): number {
  const stats = lstatSync(path);
  if (!stats.isDirectory()) return stats.size;
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0);
}

/** A store with the records of all units, and of their artifacts those that are small. */
async function copyRecords({ nodes }: RunOutcome, store: Store, folder: string): Promise<void> {
  (await openFileStore(folder, { mode: 'write' })).close();
  rmSync(join(folder, '.gitignore'), { force: true }); // a bundle may be committed
  const layout = layoutOf(folder);
  const units = new Map<string, UnitSuccess>();
  for (const node of nodes.values()) for (const unit of node.units.filter(succeeded)) units.set(unit.key, unit);
  for (const key of units.keys()) {
    const found = await findOne(store, key);
    if (found.status !== 'hit') throw new UserError(`the record of '${key}' is gone; run again`);
    makeFolders(dirname(layout.record(key)));
    writeDurably(layout.record(key), recordText(found.record));
    await copyArtifacts(found.record, store, folder);
  }
}

async function copyArtifacts({ outputs }: StoreRecord, store: Store, folder: string): Promise<void> {
  for (const output of Object.values(outputs)) {
    if (output.size > largestArtifact_bytes || (await store.check(output, 'bytes')) !== undefined) continue;
    await copyArtifact(output, (await store.open(output)).path, layoutOf(folder).blob(output));
  }
}

async function copyArtifact({ digest }: OutputRef, from: string, to: string): Promise<void> {
  makeFolders(dirname(to));
  cpSync(from, to);
  if ((await digestFile(to)).digest !== digest)
    throw new UserError(`'${from}' was changed while it was copied; run again`);
}
