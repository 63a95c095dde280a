// `lamina doctor`: what lamina can compute on here, and why not on the rest.
import type { Probe } from '../../model/probe/findings.ts';
import { probeInProcess } from '../../model/probe/process.ts';
import { librariesHere } from '../../tensor/backend/libraries.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { packageVersion } from '../common/package-version.ts';
import { saying } from '../common/saying.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { choicesFor, type DoctorFlags, nameOf } from '../doctor/choices.ts';
import { hubState, storeState } from '../doctor/folders.ts';
import { thisMachine } from '../doctor/machine.ts';
import { backendLines, folderLines, libraryLines, machineLines } from '../doctor/text.ts';

/** Prints what is found as it is found. Exit code 0 when the default backend, or the one that was asked about, is usable; else 1. */
export async function doctor(_: [], flags: DoctorFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const choices = choicesFor(flags);
  const print = (title: string, lines: readonly string[]) => {
    if (!flags.json) out.write(`${[out.paint.strong(title), ...lines].join('\n')}\n`);
  };
  const about = { lamina: packageVersion(), node: process.versions.node };
  const machine = thisMachine();
  const libraries = librariesHere();
  const store = await storeState(flags.store, saying(context));
  const hub = await hubState();
  print(`lamina ${about.lamina}, Node ${about.node}, ${machine.platform} ${machine.arch}`, machineLines(machine, out));
  print('\nlibraries', libraryLines(libraries, out));
  print('\nfolders', folderLines(store, hub, out));
  print('\nbackends', []);
  const backends: Probe[] = [];
  const stop = listenForStop(
    () => {},
    () => {},
  );
  try {
    for (const choice of choices) {
      const probe = await probeInProcess(choice, { wait_ms: flags.wait * 1000, signal: stop.signal });
      backends.push(probe);
      if (!flags.json) out.write(`${backendLines(probe, out).join('\n')}\n`);
    }
  } catch (error) {
    if (stop.signal.aborted) return exitCodes.stopped;
    throw error;
  } finally {
    stop.dispose();
  }
  const [decisive] = backends as [Probe];
  const usable = decisive.verdict === 'usable';
  if (flags.json)
    out.write(`${JSON.stringify({ ...about, usable, machine, libraries, store, hub, backends }, undefined, 1)}\n`);
  else out.write(`\n${verdictText(decisive, choices.length > 1)}\n`);
  return usable ? exitCodes.done : exitCodes.failed;
}

function verdictText(probe: Probe, isDefault: boolean): string {
  const name = isDefault ? `${nameOf(probe)}, the default,` : nameOf(probe);
  return `${name} is ${probe.verdict === 'usable' ? 'usable' : 'not usable'} here`;
}
