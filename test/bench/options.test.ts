// What the benchmark's command line asks for, and what it cannot ask for.
import { expect, it } from 'vitest';
import { readOptions } from '../../bench/options.ts';

it('the engine is measured at the tiny model with 1 and 2 threads and every task unless it is said otherwise', () => {
  const { engine } = readOptions(['engine']);
  expect(engine).toMatchObject({ models: ['tiny'], threads: [1, 2], rounds: 5, records: undefined });
  expect(engine.tasks).toEqual([
    ...['forward', 'perplexity-eval', 'slw', 'sft-step', 'sft', 'train-step', 'prompt', 'decode-1', 'decode-8'],
  ]);
});

it('several models and tasks can be asked for, and a run can be made shorter', () => {
  const args = ['--model', 'tiny', '--model', './mine', '--task', 'slw', '--task', 'sft', '--threads', '2', '--quick'];
  const { engine, quick } = readOptions(['engine', ...args, '--records', 'r.jsonl', '--minutes', '9']);
  expect(quick).toBe(true);
  expect(engine).toEqual({
    compiled: false,
    models: ['tiny', './mine'],
    tasks: ['slw', 'sft'],
    threads: [2],
    rounds: 3,
    records: 'r.jsonl',
    minutes: 9,
  });
});

it('a task that the engine does not have is refused with those that it has', () => {
  expect(() => readOptions(['engine', '--task', 'gemm'])).toThrow(
    "the engine has no task 'gemm', expected one of forward, perplexity-eval, slw, sft-step, sft, train-step, prompt, decode-1, decode-8",
  );
});

it('threads are whole numbers', () => {
  expect(() => readOptions(['engine', '--threads', '1,two'])).toThrow(
    "--threads expects a whole number of at least 1, got 'two'",
  );
});

it('memory is watched over 1,000 steps, over 100 in a short run, or over what is asked for', () => {
  const steps = (...args: string[]) => readOptions(['memory', ...args]).memory_steps;
  expect([steps(), steps('--quick'), steps('--steps', '40')]).toEqual([1000, 100, 40]);
});
