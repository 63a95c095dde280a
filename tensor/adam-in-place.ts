// Adam's step over arrays, in place: one pass, where ONNX Runtime makes ten and three new arrays.
import type { AdamNumbers } from './adam.ts';
import { type Build, compileLoop, type RunnableLoop } from './wasm.ts';

/** A parameter, its moments and its gradient, of equal lengths; the first three are written. */
export interface AdamArrays {
  readonly variable: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly gradient: Float32Array;
}

/** Where an optimizer's arrays can be, so that a step writes them where they are. */
export interface AdamMemory {
  /** [length] zeros. */
  array(length: number): Float32Array;
}

/** Elements at a time: what is copied stays in a core's cache. */
const capacity = 8192;
/** Arrays do not start at one place of a page of 4 KiB: a load would wait for the store to another array before it. */
const staggerBytes = 192;
/** Of four arrays that are copied in: an array that lies elsewhere has its place here. */
const stageBytes = 4 * roomOf(capacity);
/** What one memory has, where a single array does not need more. */
const memoryBytes = 2 ** 30;
/** WebAssembly's memory has no more. */
const mostBytes = 2 ** 32 - 2 ** 16;

const loops = new WeakMap<ArrayBufferLike, RunnableLoop>();
let staging: RunnableLoop | undefined;

/** Memory for arrays of these `lengths`, those of one optimizer; it goes when they do. */
export function createAdamMemory(lengths: readonly number[]): AdamMemory {
  let ahead = lengths.reduce((sum, length) => sum + roomOf(length), 0);
  let buffer: ArrayBuffer | undefined;
  let used = 0;
  return {
    array(length) {
      const room = roomOf(length);
      if (stageBytes + room > mostBytes) return new Float32Array(length);
      if (buffer === undefined || used + room > buffer.byteLength) {
        const loop = adamLoop(stageBytes + Math.max(room, Math.min(memoryBytes, ahead)));
        loops.set(loop.buffer, loop);
        [buffer, used] = [loop.buffer, stageBytes];
      }
      const place = used;
      used += room;
      ahead -= room;
      return new Float32Array(buffer, place, length);
    },
  };
}

/** What `adamStep` computes, to the bit. Arrays of one AdamMemory are written where they are, others are copied in and out. */
export function adamInPlace({ variable, first, second, gradient }: AdamArrays, numbers: AdamNumbers): void {
  const loop = loops.get(variable.buffer) ?? stagingLoop();
  const parts = [variable, first, second, gradient].map((array, i) => placed(array, i, loop));
  const { beta1, beta2, rate, eps, clip = 1, keep = 1 } = numbers;
  for (let at = 0; at < variable.length; at += capacity) {
    const count = Math.min(capacity, variable.length - at);
    const places = parts.map((part) => part.bring(at, count));
    loop.run(count, places, beta1, beta2, rate, eps, clip, keep);
    for (const part of parts.slice(0, 3)) part.takeBack(at, count);
  }
}

/** Of arrays that are all copied in. */
function stagingLoop(): RunnableLoop {
  staging ??= adamLoop(stageBytes);
  return staging;
}

/** An array as the loop sees it, some elements at a time. */
interface Placed {
  /** Where `count` elements from `at` on are in the loop's memory. */
  bring(at: number, count: number): number;
  /** Those elements, after they were written there. */
  takeBack(at: number, count: number): void;
}

function placed(array: Float32Array, index: number, { buffer }: RunnableLoop): Placed {
  if (array.buffer === buffer) return { bring: (at) => array.byteOffset + 4 * at, takeBack: () => {} };
  const place = index * roomOf(capacity);
  const stage = new Float32Array(buffer, place, capacity);
  return {
    bring(at, count) {
      stage.set(array.subarray(at, at + count));
      return place;
    },
    takeBack: (at, count) => array.set(stage.subarray(0, count), at),
  };
}

/** The loop writes four elements at a time. */
function roomOf(length: number): number {
  return 16 * Math.ceil(length / 4) + staggerBytes;
}

function adamLoop(bytes: number): RunnableLoop {
  const [variable, first, second, gradient] = [0, 1, 2, 3] as const;
  const [beta1, beta2, rate, eps, clip, keep] = [0, 1, 2, 3, 4, 5] as const;
  const [g, m, v] = [0, 1, 2] as const;
  const loop = {
    arrays: 4,
    numbers: 6,
    locals: 3,
    body({ load, store, number, keep: set, local, add, sub, mul, div, sqrt }: Build) {
      const clipped = set(g, mul(load(gradient), number(clip)));
      const newFirst = set(m, add(mul(load(first), number(beta1)), clipped));
      const newSecond = set(v, add(mul(load(second), number(beta2)), mul(local(g), local(g))));
      const change = mul(div(local(m), add(sqrt(local(v)), number(eps))), number(rate));
      const newVariable = sub(mul(load(variable), number(keep)), change);
      return [...store(first, newFirst), ...store(second, newSecond), ...store(variable, newVariable)];
    },
  };
  return compileLoop(loop, bytes);
}
