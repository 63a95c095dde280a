// How numbers are judged, and ONNX Runtime's profiles read, when a backend is tried.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compare } from '../../model/probe/compare.ts';
import { operatorsIn } from '../../model/probe/traces.ts';
import { steps, trainedNumbers } from '../../model/probe/training.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { scratch } from './fixtures.ts';

it('numbers are right within a share of the largest one', () => {
  expect(compare([100.01, 0.01], [100, 0], 1e-3)).toEqual({
    difference: expect.closeTo(1e-4, 8),
    tolerance: 1e-3,
    right: true,
  });
  expect(compare([100, 0.5], [100, 0], 1e-3)).toEqual({ difference: 5e-3, tolerance: 1e-3, right: false });
});

it('what is no number, or missing, is not right', () => {
  for (const got of [[1, Number.NaN], [Number.NaN, 2], [1, Number.POSITIVE_INFINITY], [1], [1, 2, 3]]) {
    expect(compare(got, [1, 2], 1e-3)).toEqual({ difference: null, tolerance: 1e-3, right: false });
  }
});

it('a profile of a training counts its operators, and the bytes that went to the runtime and back', async () => {
  const folder = await scratch();
  await useBackend({ backend: 'onnx', profilePrefix: join(folder, 'profile') });
  const numbers = await trainedNumbers(); // the loss of each step, then the weights
  const { fed_bytes, fetched_bytes } = tensorStats();
  clearSessions(); // which writes the profiles
  const { operators, left_to_cpu } = operatorsIn(folder);
  expect(operators).toBeGreaterThan(500);
  expect(left_to_cpu.MatMul ?? 0).toBeGreaterThan(0); // on the CPU's own provider all of them are
  expect(Object.values(left_to_cpu).reduce((sum, each) => sum + each, 0)).toBe(operators);
  // a step gives its loss and the gradients back, and takes in the weights and its batch; the moments, which Adam writes in place, stay here
  const weights = 4 * (numbers.length - steps);
  expect(fetched_bytes).toBe(steps * (weights + 4));
  expect(fed_bytes).toBeGreaterThan(steps * weights);
  expect(fed_bytes).toBeLessThan(2 * steps * weights);
});

it('operators are counted by who ran them; other events of a profile are not', async () => {
  const folder = join(await scratch(), 'traces');
  mkdirSync(folder);
  const node = (op_name: string, provider: string) => ({ cat: 'Node', name: op_name, args: { op_name, provider } });
  const session = { cat: 'Session', name: 'model_run', args: {} };
  const events = [session, node('MatMul', 'WebGpuExecutionProvider'), node('Cast', 'CPUExecutionProvider')];
  writeFileSync(join(folder, 'a.json'), JSON.stringify(events));
  writeFileSync(
    join(folder, 'b.json'),
    JSON.stringify([node('Cast', 'CPUExecutionProvider'), { cat: 'Node', args: {} }]),
  );
  expect(operatorsIn(folder)).toEqual({ operators: 3, left_to_cpu: { Cast: 2 } });
});
