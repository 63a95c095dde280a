// What the doctor reads of a machine, from folders with the files that Linux and its drivers write.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { coreQuota } from '../../cli/doctor/core-quota.ts';
import { gpusOf, vulkanDrivers } from '../../util/gpus.ts';

/** A folder with these files, by path from the root of a machine. */
function machineWith(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'lamina-machine-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe('cores', () => {
  test('a quota of version 2 holds for the groups below it, and the tightest one counts', () => {
    const root = machineWith({
      'proc/self/cgroup': '0::/kubepods/pod1/main\n',
      'sys/fs/cgroup/kubepods/cpu.max': '400000 100000\n',
      'sys/fs/cgroup/kubepods/pod1/cpu.max': '150000 100000\n',
      'sys/fs/cgroup/kubepods/pod1/main/cpu.max': 'max 100000\n',
    });
    expect(coreQuota(root)).toBe(1.5);
  });

  test('a quota of version 1 is in the folder of its controllers; -1 is none', () => {
    const path = 'sys/fs/cgroup/cpu,cpuacct/docker/1';
    const group = { 'proc/self/cgroup': '5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n' };
    const root = machineWith({
      ...group,
      [`${path}/cpu.cfs_quota_us`]: '200000\n',
      [`${path}/cpu.cfs_period_us`]: '100000\n',
    });
    expect(coreQuota(root)).toBe(2);
    const free = machineWith({
      ...group,
      [`${path}/cpu.cfs_quota_us`]: '-1\n',
      [`${path}/cpu.cfs_period_us`]: '100000\n',
    });
    expect(coreQuota(free)).toBe(null);
  });

  test('without control groups there is none', () => {
    expect(coreQuota(machineWith({}))).toBe(null);
  });
});

describe('GPUs', () => {
  test("NVIDIA's have the name and the version that its kernel module writes, and are named once", () => {
    const root = machineWith({
      'proc/driver/nvidia/version':
        'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build\nGCC version:  gcc version 12.3.0\n',
      'proc/driver/nvidia/gpus/0000:0f:00.0/information': 'Model: \t\t NVIDIA H200\nIRQ:   \t\t 123\n',
      'sys/class/drm/card0/device/vendor': '0x10de\n',
      'sys/class/drm/card0/device/device': '0x2335\n',
    });
    expect(gpusOf(root)).toEqual([{ name: 'NVIDIA H200', driver: 'nvidia', driver_version: '580.82.07' }]);
  });

  test('others have their maker, number and driver; connectors are no cards', () => {
    const root = machineWith({
      'sys/class/drm/card0/device/vendor': '0x1002\n',
      'sys/class/drm/card0/device/device': '0x744c\n',
      'sys/class/drm/card0-DP-1/status': 'connected\n',
      'sys/class/drm/card1/device/vendor': '0x1a03\n',
      'sys/class/drm/card1/device/device': '0x2000\n',
      'sys/module/amdgpu/version': '6.10.5\n',
    });
    symlinkSync('../../../bus/pci/drivers/amdgpu', join(root, 'sys/class/drm/card0/device/driver'));
    expect(gpusOf(root)).toEqual([
      { name: 'AMD 0x744c', driver: 'amdgpu', driver_version: '6.10.5' },
      { name: 'GPU of maker 0x1a03 0x2000', driver: null, driver_version: null },
    ]);
  });

  test('a machine without any has none', () => {
    expect(gpusOf(machineWith({}))).toEqual([]);
  });
});

test("Vulkan's drivers are those that the environment names, or else those of the system", () => {
  const root = machineWith({ 'usr/share/vulkan/icd.d/lvp_icd.json': '{}', 'usr/share/vulkan/icd.d/README': '' });
  expect(vulkanDrivers({}, root)).toEqual([join(root, 'usr/share/vulkan/icd.d/lvp_icd.json')]);
  expect(vulkanDrivers({ VK_DRIVER_FILES: '/a.json:/b.json' }, root)).toEqual(['/a.json', '/b.json']);
});
