// `lamina doctor`: what lamina can compute on here, and why not on the rest.
import type { BackendChoice, Probe } from '../../model/probe/findings.ts';
import { probeInProcess } from '../../model/probe/process.ts';
import { librariesHere } from '../../tensor/backend/libraries.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { packageVersion } from '../common/package-version.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Output } from '../common/terminal.ts';
import { choicesFor, type DoctorFlags, nameOf } from '../doctor/choices.ts';
import { hubState, storeState } from '../doctor/folders.ts';
import { thisMachine } from '../doctor/machine.ts';
import { remoteState } from '../doctor/remote.ts';
import { backendLines, folderLines, libraryLines, machineLines } from '../doctor/text.ts';
import { install } from '../install/install.ts';
import type { Recipe } from '../install/recipe.ts';
import { recipeFor } from '../install/recipes.ts';

/**
 * Installs what it is told to, then prints what is found as it is found. Exit code 0 when the default backend, or the one that was asked
 * about or installed, is usable; else 1.
 */
export async function doctor(_: [], flags: DoctorFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const choices = choicesFor(flags);
  const recipe = recipeFor(flags);
  const code = recipe === undefined ? exitCodes.done : await installed(recipe, context);
  if (code !== exitCodes.done) return code;
  const print = (...lines: string[]) => flags.json || out.write(`${lines.join('\n')}\n`);
  const surroundings = await surroundingsOf(flags, context);
  print(...surroundingLines(surroundings, out), '', out.paint.strong('backends'));
  const backends = await probesOf(choices, flags, (probe) => print(...backendLines(probe, out)));
  if (backends === 'stopped') return exitCodes.stopped;
  const [decisive] = backends as [Probe];
  const usable = decisive.verdict === 'usable';
  print('', verdictText(decisive, choices.length > 1));
  if (flags.json) out.write(`${JSON.stringify({ usable, ...surroundings, backends }, undefined, 1)}\n`);
  return usable ? exitCodes.done : exitCodes.failed;
}

/** Carries an installation out; the exit code. Ctrl-C stops it, and what is done stays done. */
async function installed(recipe: Recipe, { terminal: { err } }: Context): Promise<number> {
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  try {
    await install(recipe, err, stop.signal);
    err.write('\n');
    return exitCodes.done;
  } catch (error) {
    if (stop.signal.aborted) {
      err.write(`stopped; the same command goes on from here\n`);
      return exitCodes.stopped;
    }
    if (!(error instanceof UserError)) throw error;
    err.write(`${err.paint.bad('error')}  ${error.message}\n`);
    return exitCodes.failed;
  } finally {
    stop.dispose();
  }
}

/** All that is known without computing. */
async function surroundingsOf({ store, ...remote }: DoctorFlags, context: Context) {
  return {
    lamina: packageVersion(),
    node: process.versions.node,
    machine: thisMachine(),
    libraries: librariesHere(),
    store: await storeState(store, saying(context)),
    hub: await hubState(),
    remote: await remoteState(remote),
  };
}

function surroundingLines(
  { lamina, node, machine, libraries, store, hub, remote }: Awaited<ReturnType<typeof surroundingsOf>>,
  out: Output,
): string[] {
  const { strong } = out.paint;
  return [
    strong(`lamina ${lamina}, Node ${node}, ${machine.platform} ${machine.arch}`),
    ...machineLines(machine, out),
    '',
    strong('libraries'),
    ...libraryLines(libraries, out),
    '',
    strong('folders'),
    ...folderLines(store, hub, remote, out),
  ];
}

/** Tries one after the other; `tell` hears of each. Ctrl-C ends the one that is being tried. */
async function probesOf(
  choices: readonly BackendChoice[],
  { wait }: DoctorFlags,
  tell: (probe: Probe) => void,
): Promise<Probe[] | 'stopped'> {
  const nothing = () => {};
  const stop = listenForStop(nothing, nothing);
  const probes: Probe[] = [];
  try {
    for (const choice of choices) {
      const probe = await probeInProcess(choice, { wait_ms: wait * 1000, signal: stop.signal });
      probes.push(probe);
      tell(probe);
    }
    return probes;
  } catch (error) {
    if (stop.signal.aborted) return 'stopped';
    throw error;
  } finally {
    stop.dispose();
  }
}

function verdictText(probe: Probe, isDefault: boolean): string {
  const name = isDefault ? `${nameOf(probe)}, the default,` : nameOf(probe);
  return `${name} is ${probe.verdict === 'usable' ? 'usable' : 'not usable'} here`;
}
