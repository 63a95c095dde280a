// YAML's merge key in specs and task files; what comes out is what PyYAML's safe_load gives for the same text.
import { describe, expect, it } from 'vitest';
import { Problems } from '../../located/diagnostic.ts';
import type { Located } from '../../located/located.ts';
import { parseYaml } from '../../located/yaml-source.ts';

function read(text: string): { value: unknown; said: string[] } {
  const problems = new Problems();
  const tree = parseYaml({ name: 'x.yaml', text, folder: '.', flag: false }, problems);
  return { value: tree === undefined ? undefined : plain(tree), said: problems.list().map(({ message }) => message) };
}

function plain(tree: Located): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(plain);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plain(value)]));
}

describe('<<', () => {
  it.each<[string, unknown]>([
    ['a: &a { x: 1, y: 2 }\nb: { y: 3, <<: *a, z: 4 }', { a: { x: 1, y: 2 }, b: { x: 1, y: 3, z: 4 } }],
    ['<<: { x: 1 }\nx: 2', { x: 2 }],
    ['<<: [{ x: 1 }, { x: 2, y: 2 }]\nz: 3', { x: 1, y: 2, z: 3 }],
    ['a: &a { <<: { x: 1 }, y: 1 }\nb: { <<: *a, y: 2 }', { a: { x: 1, y: 1 }, b: { x: 1, y: 2 } }],
    ['"<<": { x: 1 }', { '<<': { x: 1 } }],
  ])('%j', (text, value) => {
    expect(read(text)).toEqual({ value, said: [] });
  });

  it('keeps the place at which a key that is taken in was written', () => {
    const tree = parseYaml(
      { name: 'x', text: 'a: &a { x: 1 }\nb: { <<: *a }', folder: '.', flag: false },
      new Problems(),
    );
    const b = tree?.kind === 'map' ? tree.entries.get('b')?.value : undefined;
    expect(b?.kind === 'map' && b.entries.get('x')?.key.start).toBe(8);
  });

  it.each([
    ['<<: 5', "'<<' takes keys in: expected a mapping, or a list of mappings"],
    ['<<: [{ x: 1 }, y]', "'<<' takes keys in: expected a mapping, or a list of mappings"],
    ['<<: { x: 1 }\n<<: { y: 1 }', "key '<<' is given twice"],
    ['a: &a { <<: *a }', "alias 'a' stands for itself"],
  ])('%j is refused', (text, message) => {
    expect(read(text).said[0]).toBe(message);
  });
});
