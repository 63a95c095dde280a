// Whether an installation can be made on this machine.
import { spawnSync } from 'node:child_process';
import { formatBytes } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import { freeBytes, nearestAbove } from '../common/free-space.ts';
import type { Recipe } from './recipe.ts';

/** Throws UserError for another system, for programs that are missing (all at once) and for a disk that is too small. */
export function checkMachine({ title, tools, peak_bytes }: Recipe, folder: string): void {
  const system = `${process.platform} ${process.arch}`;
  if (system !== 'linux x64') throw new UserError(`${title} can be installed on linux x64, and this is ${system}`);
  const missing = tools.filter(({ command: [program, ...given] }) => spawnSync(program, given).status !== 0);
  if (missing.length > 0) {
    const each = missing.map(({ name, command, help }) => `${name} ('${command.join(' ')}' fails; ${help})`);
    throw new UserError(`${title} cannot be installed without ${each.join(', and ')}`);
  }
  const free = freeBytes(nearestAbove(folder));
  if (free !== null && free < peak_bytes) {
    throw new UserError(
      `${title} takes ${formatBytes(peak_bytes)} while it is installed, and the disk of '${folder}' has ${formatBytes(free)} free: make room there first`,
    );
  }
}
