// GPUs of this machine, as devices that are handed out; none is needed here.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findGpus } from '../../runner/executor/gpus.ts';
import { openToy, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const numerics = { backend: 'onnx', provider: 'cuda', precision: 'float32', threads: 1 } as const;
const onGpu = (i: number) => node(`g${i}`, 'device', { ms: 20, i }, {}, { numerics });

describe('GPUs', () => {
  it('are one for each unit that computes on one, and no more units than GPUs run', async () => {
    const toy = await openToy();
    const stages = plan(...Array.from({ length: 6 }, (_, i) => onGpu(i)));
    const outcome = await toy.run(stages, { jobs: 6, threads: 6, gpus: async () => ['3', 'GPU-a'] });
    const seen = await Promise.all(Array.from({ length: 6 }, (_, i) => values(outcome, `g${i}`)));
    expect(new Set(seen.flat())).toEqual(new Set(['3 ', 'GPU-a ']));
    let [running, most] = [0, 0];
    for (const { type } of toy.events) {
      if (type === 'unit-started') most = Math.max(most, ++running);
      if (type === 'unit-finished') running--;
    }
    expect(most).toBe(2);
  });

  it('are for stages that ask for one too, and not for others', async () => {
    const toy = await openToy();
    const asks = node('asks', 'device', { ms: 0 }, {}, { resources: { gpu: '1' } });
    const outcome = await toy.run(plan(asks, node('plain', 'device', { ms: 0, other: true })), {
      gpus: async () => ['5'],
    });
    expect([await values(outcome, 'asks'), await values(outcome, 'plain')]).toEqual([
      ['5 '],
      [`${process.env.CUDA_VISIBLE_DEVICES} `],
    ]);
  });

  it('are asked for once, by the first unit that computes on one, and not at all where none does', async () => {
    const toy = await openToy();
    let asked = 0;
    const gpus = async () => {
      asked++;
      return ['0'];
    };
    await toy.run(plan(node('plain', 'device', { ms: 0, other: true })), { gpus });
    expect(asked).toBe(0);
    const stages = plan(onGpu(1), onGpu(2));
    await toy.run(stages, { jobs: 2, gpus });
    expect(asked).toBe(1);
    await toy.run(stages, { jobs: 2, gpus }); // all cached
    expect(asked).toBe(1);
  });

  it('are those of CUDA_VISIBLE_DEVICES, else those of nvidia-smi, else none', async () => {
    const bin = mkdtempSync(join(tmpdir(), 'lamina-gpus-'));
    expect(await findGpus({ CUDA_VISIBLE_DEVICES: '2,GPU-b' })).toEqual(['2', 'GPU-b']);
    expect(await findGpus({ CUDA_VISIBLE_DEVICES: '' })).toEqual([]);
    expect(await findGpus({ PATH: bin })).toEqual([]);
    writeFileSync(join(bin, 'nvidia-smi'), '#!/bin/sh\necho 0\necho 1\n', { mode: 0o755 });
    expect(await findGpus({ PATH: bin })).toEqual(['0', '1']);
  });
});
