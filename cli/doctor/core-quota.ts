// How much of the processor the control groups of this process leave to it.
import { dirname, join } from 'node:path';
import { textOf } from '../../util/text-of.ts';

/** Cores by the tightest quota that holds for this process, 1.5 for one and a half; null without one. `root` is `/` but for tests. */
export function coreQuota(root = '/'): number | null {
  const groups = textOf(join(root, 'proc/self/cgroup'))
    .split('\n')
    .flatMap((line) => foldersOf(line, root));
  const quotas = groups.map(quotaIn).filter((quota) => quota !== null);
  return quotas.length === 0 ? null : Math.min(...quotas);
}

/** The folders of a line `id:controllers:path`: the group's own and those of the groups above it, in version 2 (no controllers) or 1. */
function foldersOf(line: string, root: string): string[] {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return [];
  if (controllers !== '' && !controllers.split(',').includes('cpu')) return [];
  const mounts = controllers === '' ? [''] : ['cpu', controllers];
  return mounts.flatMap((mount) => upwards(path).map((each) => join(root, 'sys/fs/cgroup', mount, each)));
}

function upwards(path: string): string[] {
  return path === '/' ? ['/'] : [path, ...upwards(dirname(path))];
}

function quotaIn(folder: string): number | null {
  const [quota, period] = textOf(join(folder, 'cpu.max')).split(/\s+/).map(Number);
  const [quota_us, period_us] = ['quota', 'period'].map((name) => Number(textOf(join(folder, `cpu.cfs_${name}_us`))));
  return share(quota, period) ?? share(quota_us, period_us);
}

/** `max` of version 2 is no number, and none in version 1 is -1. */
function share(quota = 0, period = 0): number | null {
  return quota > 0 && period > 0 ? quota / period : null;
}
