// The native binding of onnxruntime-node 1.30.0 behaves as `tensor/graph/runtime.ts` assumes, and the session cache keeps its limits.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { encodeOnnxModel } from '../../formats/tensors/onnx.ts';
import { SessionCache } from '../../tensor/backend/sessions.ts';
import { concrete, Recorder } from '../../tensor/graph/graph.ts';
import { peakBytes, planRun } from '../../tensor/graph/lowering.ts';
import { createSession, namedProviders, runtimeTensor } from '../../tensor/graph/runtime.ts';

const CPU = { provider: 'cpu', threads: 1 } as const;

function negation(): Uint8Array {
  const info = { type: 'float32', dims: [2] } as const;
  return encodeOnnxModel({
    irVersion: 10,
    producer: 'test',
    opsets: { '': 21 },
    graph: {
      name: 'g',
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }],
      initializers: [],
      inputs: [{ name: 'x', ...info }],
      outputs: [{ name: 'y', ...info }],
    },
  });
}

it('the version is the one whose binding was read', () => {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  expect(JSON.parse(readFileSync(path, 'utf8')).version).toBe('1.30.0');
});

it('a session is made and run synchronously, into an array of ours or a new one', () => {
  const session = createSession(negation(), CPU);
  const feeds = { x: runtimeTensor('float32', Float32Array.of(1, -2), [2]) };
  expect(Array.from(session.run(feeds, { y: null }).y?.data as Float32Array)).toEqual([-1, 2]);
  const target = new Float32Array(2);
  session.run(feeds, { y: runtimeTensor('float32', target, [2]) });
  expect(Array.from(target)).toEqual([-1, 2]);
  session.dispose();
});

it('a model that is not one is refused with an error', () => {
  expect(() => createSession(new Uint8Array([1, 2, 3]), CPU)).toThrow();
});

it('the cpu provider is named', () => {
  expect(namedProviders()).toContain('cpu');
});

/** A plan of `depth` negations of one row of `size` elements. */
function chain(depth: number, size: number) {
  const recorder = new Recorder('cpu');
  let x = concrete('float32', new Float32Array(size).fill(1), [size]);
  for (let i = 0; i < depth; i++) x = recorder.add('Neg', [x], [size], 'float32');
  return planRun(recorder.nodes, [x]);
}

it('the peak of a chain is two values: one read, one written', () => {
  expect(peakBytes(chain(1, 10))).toBe(40);
  expect(peakBytes(chain(5, 10))).toBe(80);
});

it('the least recently used session goes first, by number', () => {
  const cache = new SessionCache(CPU, { sessions: 2, bytes: 1e9 });
  for (const depth of [1, 2, 1, 3, 1]) cache.run(chain(depth, 4));
  expect(cache.counts).toMatchObject({ sessions: 2, compiled: 3, runs: 5 });
  cache.run(chain(2, 4));
  expect(cache.counts.compiled).toBe(4);
  cache.clear();
  expect(cache.counts.sessions).toBe(0);
});

it('arenas hold 256 MiB together, of the sessions that came first and of those that follow when these are gone', () => {
  const cache = new SessionCache(CPU, { sessions: 3, bytes: 1e9 });
  const size = 2 ** 24; // 64 MiB of numbers, 128 at the peak
  for (const depth of [2, 3, 4]) cache.run(chain(depth, size));
  expect(cache.counts).toMatchObject({ sessions: 3, arena_bytes: 2 ** 28 });
  cache.run(chain(5, size)); // when it is compiled, both arenas are still there
  expect(cache.counts).toMatchObject({ sessions: 3, arena_bytes: 2 ** 27 });
  cache.run(chain(6, size));
  expect(cache.counts).toMatchObject({ sessions: 3, arena_bytes: 2 ** 27 });
  cache.clear();
  expect(cache.counts.arena_bytes).toBe(0);
});

it('sessions go by bytes too, but never the one in use', () => {
  const cache = new SessionCache(CPU, { sessions: 9, bytes: 20_000 }); // a node counts as 12 KiB
  cache.run(chain(1, 200));
  cache.run(chain(1, 100));
  expect(cache.counts.sessions).toBe(1);
  cache.run(chain(1, 5000));
  expect(cache.counts.sessions).toBe(1);
  cache.clear();
});
