import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { cacheKey, type KeyPreimage } from '../../store/key.ts';

const blob = { digest: sha256('bytes'), size: 5 };

const whole: KeyPreimage = {
  t: 'action/1',
  stage: 'slw',
  version: 2,
  params: { rank: 400, lr: 1e-3, candidate: 'g0' },
  inputs: { model: blob, activations: { units: { 'layer 4': blob } } },
  sources: { '/path': blob },
  seed: 7,
  numerics: { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 },
  unit: '3→4',
};

describe('the cache key', () => {
  // Pinned: if one of these changes, every user's store is lost. Then raise 'action/1' instead.
  // From Python: sha256(json.dumps(v, sort_keys=True, ensure_ascii=False, separators=(',', ':'))).
  it('is the same for ever', () => {
    expect(cacheKey(whole)).toBe('6a5294d37921b8fcf35d2a5888443b532bd1591cd2cc065d82e9e499742a370d');
    expect(cacheKey({ t: 'action/1', stage: 'load', version: 1, params: {}, inputs: {}, sources: {} })).toBe(
      'e6aa067bb38eee775d1c2ad773969d6af03d6f16940011f9f29120be52b82093',
    );
  });

  it('is the SHA-256 of a text that can be written by hand', () => {
    const text = '{"inputs":{},"params":{"a":1,"b":"x"},"sources":{},"stage":"toy","t":"action/1","version":1}';
    const key = cacheKey({
      t: 'action/1',
      stage: 'toy',
      version: 1,
      params: { b: 'x', a: 1 },
      inputs: {},
      sources: {},
    });
    expect(key).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('does not depend on the order of fields', () => {
    const reordered = Object.fromEntries(Object.entries(whole).reverse()) as unknown as KeyPreimage;
    expect(cacheKey(reordered)).toBe(cacheKey(whole));
  });

  it('depends on every field', () => {
    const changes: Partial<KeyPreimage>[] = [
      { stage: 'sft' },
      { version: 3 },
      { params: { ...whole.params, rank: 401 } },
      { inputs: { ...whole.inputs, model: { ...blob, size: 6 } } },
      { inputs: { ...whole.inputs, activations: { units: { 'layer 5': blob } } } },
      { sources: { '/other': blob } },
      { seed: 8 },
      { numerics: { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 2 } },
      { unit: '3→5' },
    ];
    const keys = new Set(changes.map((change) => cacheKey({ ...whole, ...change })));
    expect(keys.size).toBe(changes.length);
    expect(keys).not.toContain(cacheKey(whole));
  });

  it('tells swapped values apart (P4)', () => {
    const key = (params: KeyPreimage['params']) => cacheKey({ ...whole, params });
    expect(key({ a: 1, b: 2 })).not.toBe(key({ a: 2, b: 1 }));
  });
});
