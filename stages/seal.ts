// lamina's own stages, each with the code that it has now where that is not the sealed one.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StageDefinition, StageRegistry } from '../contract/stage.ts';
import { changedCode, changesSince, type Seal, sealOf } from '../store/sealed-code.ts';
import { packageFolder } from '../util/package-folder.ts';

/** What is run: the compiled code, in which comments and layout do not count. */
export const codeFolder: string = join(packageFolder, 'dist');
/** Made by `npm run seal`, and part of the package. */
export const sealFile: string = join(packageFolder, 'stages/seal.json');

/** The modules of a stage, below the folder of code: what planning asks and what does the work. */
export function modulesOf(name: string): string[] {
  return ['declare', 'run'].map((file) => `stages/${name}/${file}.js`);
}

/** The seal of all stages, with the versions that stand for it. */
export interface StageSeal extends Seal {
  readonly versions: Readonly<Record<string, number>>;
}

/** The seal of all stages as they are now. */
export function sealNow(registry: StageRegistry): StageSeal {
  const versions = Object.fromEntries([...registry.values()].map(({ name, version }) => [name, version]));
  const seal = sealOf(
    codeFolder,
    [...registry.values()].flatMap(({ name }) => modulesOf(name)),
  );
  return { versions, ...seal };
}

/** The stages whose code is another than `seal` says, under the version that it names. */
export function sameVersion(seal: StageSeal, registry: StageRegistry): string[] {
  const changes = changesSince(seal, codeFolder);
  const changed = (name: string) => changedCode(changes, codeFolder, modulesOf(name)) !== undefined;
  return [...registry.values()]
    .filter(({ name, version }) => seal.versions[name] === version && changed(name))
    .map(({ name }) => name);
}

/**
 * The same stages, which say of themselves that their code was changed: a digest of it then stands in their keys, beside their version, and
 * a sentence in their warnings. The seal is read, and the code compared with it, when the first of them is asked.
 */
export function watched(registry: StageRegistry): StageRegistry {
  let changes: ReadonlySet<string> | undefined;
  const changesNow = (fresh: boolean) => {
    if (fresh || changes === undefined) changes = changesSince(readSeal(), codeFolder);
    return changes;
  };
  return new Map([...registry].map(([name, definition]) => [name, watchedStage(definition, changesNow)]));
}

function readSeal(): Seal {
  return JSON.parse(readFileSync(sealFile, 'utf8')) as Seal;
}

function watchedStage(
  definition: StageDefinition,
  changesNow: (fresh: boolean) => ReadonlySet<string>,
): StageDefinition {
  let known: ReturnType<typeof changedCode> | null = null;
  const changed = (fresh: boolean) => {
    if (fresh || known === null) known = changedCode(changesNow(fresh), codeFolder, modulesOf(definition.name));
    return known;
  };
  return {
    ...definition,
    code: (fresh = false) => changed(fresh)?.code,
    warn: (params, inputs) => {
      const names = changed(false)?.changed ?? [];
      return [...(definition.warn?.(params, inputs) ?? []), ...(names.length === 0 ? [] : [sentenceOf(names)])];
    },
  };
}

/** As many names as are told. */
const most = 3;

function sentenceOf(names: readonly string[]): string {
  const more = names.length > most ? ` and ${names.length - most} more` : '';
  return `its code is not the one that its version stands for: ${names.slice(0, most).join(', ')}${more} changed; its results are kept apart`;
}
