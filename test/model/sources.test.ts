// The one description of which tensor stands for which: checked by hand on a small model with every kind of replacement.
import { describe, expect, it } from 'vitest';
import { ownTensors, standIns, tensorSources } from '../../model/sharing/sources.ts';
import { tinyConfig } from './tiny.ts';

const config = tinyConfig(); // four layers
const mlp = (layer: number, role: string) => `model.layers.${layer - 1}.mlp.${role}_proj.weight`;
const replacements = [
  { target: 1, reference: 1, candidate: 'lora', rank: 2, roles: ['q'] as const },
  { target: 2, reference: 1, candidate: 'g0', rank: 0 },
  { target: 3, reference: 1, candidate: 'g1', rank: 2 },
  { target: 4, reference: null, candidate: 'g0', rank: 0 },
];

describe('the sources of a model', () => {
  const sources = tensorSources(config, replacements);

  it('say what is stored, what is made of which tensor by which method, and what has no effect', () => {
    const query = 'model.layers.0.self_attn.q_proj.weight';
    expect(sources.get('model.norm.weight')).toEqual({
      kind: 'stored',
      of: 'model.norm.weight',
      from: 'model.norm.weight',
    });
    expect(sources.get(query)).toEqual({
      kind: 'made',
      of: query,
      from: query,
      replacement: replacements[0],
      role: 'q',
    });
    expect(sources.get(mlp(2, 'up'))).toEqual({ kind: 'stored', of: mlp(1, 'up'), from: mlp(1, 'up') });
    expect(sources.get(mlp(3, 'down'))).toMatchObject({ kind: 'made', of: mlp(1, 'down'), role: 'down' });
    expect(sources.get(mlp(4, 'gate'))).toEqual({ kind: 'zeros' });
  });

  it('have a place in a file for each tensor of its own, the others in the place of one of those', () => {
    const own = ownTensors(sources);
    expect(own).toHaveLength(sources.size - 9);
    expect(own.filter((name) => name.includes('.mlp.'))).toEqual(['gate', 'up', 'down'].map((role) => mlp(1, role)));
    expect(Object.fromEntries(standIns(sources))).toEqual(
      Object.fromEntries(
        [2, 3].flatMap((layer) => ['gate', 'up', 'down'].map((role) => [mlp(layer, role), mlp(1, role)])),
      ),
    );
  });

  it('follow tensors that were equal before, to the first that is still there', () => {
    // layers 2 and 3 were stored as layer 4's; layer 2 now lends to 4, whose own go
    const storedAs = (name: string) => name.replace(/layers\.[12]\.mlp/, 'layers.3.mlp');
    const lent = tensorSources(config, [{ target: 4, reference: 2, candidate: 'g0', rank: 0 }], storedAs);
    expect(standIns(lent).get(mlp(4, 'up'))).toBe(mlp(2, 'up'));
    expect(standIns(lent).get(mlp(3, 'up'))).toBe(mlp(2, 'up'));
    expect(standIns(lent).has(mlp(2, 'up'))).toBe(false);
  });
});
