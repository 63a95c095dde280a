import { describe, expect, it } from 'vitest';
import { withoutPaths } from '../../runner/survey/preimage.ts';

describe('paths in parameters', () => {
  it('are taken out of objects, and leave a gap in lists', () => {
    const params = { path: '/a', rank: 4, data: { path: '/b', form: 'auto' }, more: ['/c', 'x'], 'a/b': { '~': '/d' } };
    const paths = ['/path', '/data/path', '/more/0', '/a~1b/~0'];
    expect(withoutPaths(params, params, paths)).toEqual({
      rank: 4,
      data: { form: 'auto' },
      more: [null, 'x'],
      'a/b': {},
    });
  });

  it("are taken out of a unit's own parameters only where they are the stage's", () => {
    expect(withoutPaths({ path: '/a', layer: 1 }, { path: '/a' }, ['/path'])).toEqual({ layer: 1 });
    expect(withoutPaths({ path: '/b', layer: 1 }, { path: '/a' }, ['/path'])).toEqual({ path: '/b', layer: 1 });
    expect(withoutPaths({ layer: 1 }, { path: '/a' }, ['/path'])).toEqual({ layer: 1 });
  });
});
