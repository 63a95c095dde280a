// The sections of `lamina doctor` as lines.
import type { Probe } from '../../model/probe/findings.ts';
import type { Library } from '../../tensor/backend/libraries.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { Gpu } from '../../util/gpus.ts';
import { printable } from '../../util/printable.ts';
import { alignColumns } from '../common/columns.ts';
import { shortPath } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import { paragraphsOf } from './backend-text.ts';
import { nameOf } from './choices.ts';
import type { FolderState, HubState } from './folders.ts';
import type { Machine } from './machine.ts';
import type { RemoteState } from './remote.ts';

/** The width of what is no terminal, which is where people copy it from. */
const usualWidth = 80;
/** As wide as the longest name of a row. */
const nameWidth = 'onnx on webgpu'.length;

/** Cores, memory, GPUs and Vulkan's drivers. */
export function machineLines(machine: Machine, output: Output): string[] {
  const rows = [
    ['cores', coresText(machine)],
    ['memory', memoryText(machine)],
    ['GPU', machine.gpus.length === 0 ? 'the system tells of none' : machine.gpus.map(gpuText).join('; ')],
    ['Vulkan', machine.vulkan_drivers.length === 0 ? 'no driver is installed' : machine.vulkan_drivers.join(', ')],
  ];
  return rows.flatMap((row) => rowLines(' ', row as [string, string], output));
}

/** Version and place of each library. */
export function libraryLines(libraries: readonly Library[], output: Output): string[] {
  const width = Math.max(...libraries.map(({ name }) => name.length));
  return libraries.flatMap(({ name, version, folder }) => {
    const found = folder === null ? 'not installed' : `${version ?? 'of an unknown version'} in ${shortPath(folder)}`;
    return rowLines(' ', [name, found], output, width);
  });
}

/** One backend: whether it is usable, and what is known of it. */
export function backendLines(probe: Probe, output: Output): string[] {
  const [first = '', ...more] = paragraphsOf(probe);
  const mark = probe.verdict === 'usable' ? output.paint.good('✓') : output.paint.bad('✗');
  return [
    ...rowLines(mark, [nameOf(probe), first], output),
    ...more.flatMap((text) => rowLines(' ', ['', text], output)),
  ];
}

/** The store and the hub's cache. */
export function folderLines(store: FolderState, hub: HubState, remote: RemoteState | null, output: Output): string[] {
  const { endpoint, offline } = hub;
  const reached = endpoint === null ? '' : `; ${offline ? 'offline: the hub is not asked' : `the hub is ${endpoint}`}`;
  return [
    ...rowLines(markOf(store, output), ['store', folderText(store)], output),
    ...rowLines(markOf(hub, output), ['hub cache', folderText(hub) + reached], output),
    ...(remote === null ? [] : rowLines(markOf(remote, output), ['shared store', remoteText(remote)], output)),
  ];
}

function markOf({ problem }: Pick<FolderState, 'problem'>, { paint }: Output): string {
  return problem === null ? paint.good('✓') : paint.bad('✗');
}

function remoteText({ url, problem, used, unwritable, conditions, credentials, skew_ms }: RemoteState): string {
  if (problem !== null) return problem;
  const leases = {
    'one-wins': 'of several writers one wins, so runs do nothing twice',
    'all-win': 'it lets all of several writers win, so records are written without leases',
    unable: 'it knows no conditional writes, so records are written without leases',
  };
  const parts = [
    used ? `${url}, with results` : `${url}, empty so far`,
    ...(credentials === null ? [] : [`credentials from ${credentials}`]),
    ...(unwritable === null ? [] : [`can be read and not written to: ${unwritable}`]),
    ...(conditions === null ? [] : [`can be read and written to; ${leases[conditions]}`]),
    ...(skew_ms === 0
      ? []
      : [
          `its clock is ${Math.round(Math.abs(skew_ms) / 1000)} s ${skew_ms > 0 ? 'ahead of' : 'behind'} this machine's`,
        ]),
  ];
  return parts.join('; ');
}

/** A mark of one column, a name, and a text that is wrapped beside it. */
function rowLines(mark: string, [name, text]: [string, string], output: Output, width = nameWidth): string[] {
  const rows = [[name.padEnd(width), printable(text)]];
  const [first = '', ...rest] = alignColumns(rows, '  ', output.width() ?? usualWidth);
  return [`${mark} ${first.slice(2)}`, ...rest];
}

function coresText({ cores, machine_cores, core_quota, processor }: Machine): string {
  const part = cores === machine_cores ? `${cores}` : `${cores} of ${machine_cores}`;
  const quota = core_quota === null ? '' : `, and the time of ${Number(core_quota.toFixed(2))} by a quota`;
  return `${part}${quota}${processor === null ? '' : ` (${processor})`}`;
}

function memoryText({ memory_bytes, machine_memory_bytes, free_memory_bytes }: Machine): string {
  const limit = memory_bytes === machine_memory_bytes ? '' : ` by a limit, of ${formatBytes(machine_memory_bytes)}`;
  return `${formatBytes(memory_bytes)}${limit}, ${formatBytes(free_memory_bytes)} of it free`;
}

function gpuText({ name, driver, driver_version }: Gpu): string {
  if (driver === null) return `${name}, without a driver`;
  return `${name}, driver ${driver}${driver_version === null ? '' : ` ${driver_version}`}`;
}

function folderText({ path, exists, problem, free_bytes }: FolderState): string {
  if (problem !== null) return problem;
  const free = free_bytes === null ? '' : `, ${formatBytes(free_bytes)} free`;
  return `${shortPath(path)} ${exists ? 'can be written' : 'is not there yet and can be made'}${free}`;
}
