// Outputs that only some parameters make, and the inputs that they are joined to.
import { describe, expect, it } from 'vitest';
import { messages, openToy, statuses, values } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const joined = (use: string, id: string) => {
  const reader = node(id, use, {}, use === 'prefer' ? { a: 'made', b: 'made' } : { b: 'made' });
  const b = { ...(reader.inputs.b as (typeof reader.inputs)[string]), output: 'extra' };
  return { ...reader, inputs: { ...reader.inputs, b } };
};

const withExtra = (extra?: number) =>
  plan(node('made', 'perhaps', extra === undefined ? {} : { extra }), joined('prefer', 'prefers'));

describe('an optional output', () => {
  it('is an artifact like others where it is made, and leaves an optional input empty where it is not', async () => {
    const toy = await openToy();
    expect(await values(await toy.run(withExtra(7)), 'prefers')).toEqual(['with 7']);
    expect(await values(await toy.run(withExtra()), 'prefers')).toEqual(['without']);
    expect(toy.worked()).toEqual(['perhaps', 'prefer', 'perhaps', 'prefer']);
    const again = await toy.run(withExtra());
    expect(statuses(again, 'made')).toEqual({ '': 'cached' });
    expect(statuses(again, 'prefers')).toEqual({ '': 'cached' });
    expect(toy.worked()).toEqual([]);
  });

  it('that is missing fails the stage that cannot do without it, with a sentence', async () => {
    const toy = await openToy();
    const outcome = await toy.run(plan(node('made', 'perhaps'), joined('insist', 'insists')));
    expect(messages(outcome)).toEqual([
      "stage 'insists': input 'b' needs output 'extra' of stage 'made', which made none with its parameters",
    ]);
    expect(statuses(outcome, 'made')).toEqual({ '': 'ran' });
  });
});
