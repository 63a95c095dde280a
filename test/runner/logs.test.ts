// The log of a failing stage: all that it printed, and nothing of others.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openToy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const linesOf = (name: string, from: number, count: number) =>
  Array.from({ length: Math.ceil((count - from) / 2) }, (_, i) => `${name} ${from + 2 * i} ${'-'.repeat(60)}`);

describe('the log of a failure', () => {
  it('is whole when the failure is told, for each of 60 stages that one worker runs', async () => {
    const toy = await openToy();
    const stages = Array.from({ length: 60 }, (_, i) => node(`s${i}`, 'shout', { name: `s${i}`, lines: 10 + (i % 7) }));
    const logs = new Map<string, string>();
    const outcome = await toy.run(plan(...stages), {
      onEvent: (event) => {
        if (event.type === 'failed') logs.set(event.failure.node, readFileSync(event.failure.log as string, 'utf8'));
      },
    });
    expect(outcome.failures).toHaveLength(60);
    for (const { id, params } of stages) {
      const lines = (logs.get(id) ?? '').split('\n').slice(0, -1);
      const count = Number(params.lines);
      expect([...lines].sort(), id).toEqual([...linesOf(id, 0, count), ...linesOf(id, 1, count)].sort());
      expect(lines.filter((line) => Number(line.split(' ')[1]) % 2 === 0)).toEqual(linesOf(id, 0, count)); // in order
    }
  });

  it('is whole also where it is larger than a pipe', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('s', 'shout', { name: 's', lines: 20_000 })));
    const log = readFileSync(outcome.failures[0]?.log as string, 'utf8');
    expect(log.split('\n')).toHaveLength(20_001);
    expect(log).not.toContain('\0');
  });

  it('has the last words of a process that dies, and of one that never gets so far as to take a job', async () => {
    const toy = await openToy();
    const died = await toy.run(plan(node('d', 'die', { code: 3 })));
    expect(readFileSync(died.failures[0]?.log as string, 'utf8')).toBe('last words\n');
    const workerUrl = new URL('./fixtures/broken-worker.mjs', import.meta.url);
    const broken = await toy.run(plan(node('v', 'value', { value: 1 })), { workerUrl });
    expect(broken.failures[0]?.message).toMatch(/^stage 'v': its worker process ended with exit code 1; its output is/);
    expect(readFileSync(broken.failures[0]?.log as string, 'utf8')).toContain('this worker is broken');
  });
});
