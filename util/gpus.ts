// The GPUs that the system tells of, without a program or a library of their makers.
import { readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { namesIn } from './names-in.ts';
import { textOf } from './text-of.ts';

/** A GPU; what the system does not say is null. */
export interface Gpu {
  readonly name: string;
  readonly driver: string | null;
  readonly driver_version: string | null;
}

/** The makers' numbers on the PCI bus. */
const makers = new Map([
  ['0x10de', 'NVIDIA'],
  ['0x1002', 'AMD'],
  ['0x8086', 'Intel'],
]);

/** The GPUs below `root`, which is `/` but for tests: those of NVIDIA's driver by name, others by maker and number. Linux alone tells. */
export function gpusOf(root = '/'): Gpu[] {
  const named = ofNvidia(root);
  const others = ofKernel(root);
  return [...named, ...(named.length === 0 ? others : others.filter(({ name }) => !name.startsWith('NVIDIA')))];
}

/** From what NVIDIA's kernel module writes. */
function ofNvidia(root: string): Gpu[] {
  const folder = join(root, 'proc/driver/nvidia');
  const version = /\b\d+\.\d+(?:\.\d+)?\b/.exec(textOf(join(folder, 'version')).split('\n')[0] ?? '')?.[0] ?? null;
  return namesIn(join(folder, 'gpus')).map((bus) => {
    const model = /^Model:\s*(.+)$/m.exec(textOf(join(folder, 'gpus', bus, 'information')))?.[1]?.trim();
    return { name: model ?? 'NVIDIA GPU', driver: 'nvidia', driver_version: version };
  });
}

/** From what the kernel knows of each graphics card. */
function ofKernel(root: string): Gpu[] {
  const folder = join(root, 'sys/class/drm');
  const cards = namesIn(folder).filter((name) => /^card\d+$/.test(name));
  return cards.map((card) => {
    const device = join(folder, card, 'device');
    const maker = textOf(join(device, 'vendor')).trim();
    const driver = linkOf(join(device, 'driver'));
    const version = driver === null ? '' : textOf(join(root, 'sys/module', driver, 'version')).trim();
    const number = textOf(join(device, 'device')).trim();
    const name = `${makers.get(maker) ?? 'GPU of maker'} ${makers.has(maker) ? number : `${maker} ${number}`}`.trim();
    return { name, driver, driver_version: version || null };
  });
}

/** The files that tell the Vulkan loader of a driver: those of the environment, or else those of the system. */
export function vulkanDrivers(env: NodeJS.ProcessEnv = process.env, root = '/'): string[] {
  const given = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  if (given) return given.split(':').filter((path) => path !== '');
  const folders = ['usr/share/vulkan/icd.d', 'usr/local/share/vulkan/icd.d', 'etc/vulkan/icd.d'];
  return folders.flatMap((folder) =>
    namesIn(join(root, folder))
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(root, folder, name)),
  );
}

function linkOf(path: string): string | null {
  try {
    return basename(readlinkSync(path));
  } catch {
    return null;
  }
}
