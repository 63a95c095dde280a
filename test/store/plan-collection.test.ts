// What a collection takes away, on stores made at random.
import { describe, expect, it } from 'vitest';
import type { Inventory, KeptRecord } from '../../store/upkeep/inventory.ts';
import { type CollectionOptions, planCollection } from '../../store/upkeep/plan-collection.ts';
import { type Roots, type RunNeeds, rootsOf } from '../../store/upkeep/roots.ts';
import { createRandom, type Random } from '../../util/random.ts';

const rounds = 400;

/** Records that share artifacts, artifacts that are not there, artifacts that nobody names. */
function randomInventory(random: Random): Inventory {
  const blobs = new Map<string, number>();
  for (let i = 0; i < 30; i++) if (random.uniform() < 0.8) blobs.set(`blob${i}`, 1 + random.below(100));
  const records = new Map<string, KeptRecord>();
  for (let i = 0; i < 20; i++) {
    const outputs = Array.from({ length: 1 + random.below(3) }, (_, j) => {
      const blob = `blob${random.below(25)}`;
      return {
        name: `out${j}`,
        blob,
        size: blobs.get(blob) ?? 1,
        extension: random.uniform() < 0.2 ? 'json' : 'arrow',
      };
    });
    const stage = `s${random.below(3)}`;
    const about = { use: stage, experiment: `e${random.below(2)}`, stage, cell: '', unit: '', duration_ms: 1 };
    records.set(`key${i}`, { key: `key${i}`, ...about, finished: `2026-01-${10 + random.below(9)}`, outputs });
  }
  return { records, blobs, unreadable: [], strays: [] };
}

function randomRoots(random: Random, { records }: Inventory): Roots {
  const runs = Array.from({ length: random.below(4) }, (_, i): RunNeeds => {
    const keys = [...records.keys()].filter(() => random.uniform() < 0.3);
    const units = random.uniform() < 0.1 ? undefined : new Map([['n', keys]]);
    return {
      experiment: `e${i % 2}`,
      run: `${i}`,
      units,
      used: new Set(random.uniform() < 0.6 ? ['n out0', 'n out1'] : []),
    };
  });
  const inUse = new Set([...records.keys(), 'blob3'].filter(() => random.uniform() < 0.1));
  return rootsOf({ records }, runs, inUse);
}

const namesOf = (record: KeptRecord) => record.outputs.map(({ blob }) => blob);

describe('a collection', () => {
  it(`takes only what nothing needs, each artifact once, and all of it, in ${rounds} stores made at random`, () => {
    const random = createRandom('collection');
    let [records, artifacts] = [0, 0];
    for (let i = 0; i < rounds; i++) {
      const inventory = randomInventory(random);
      const roots = randomRoots(random, inventory);
      const { taken, loose } = planCollection(inventory, roots, { intermediate: { stages: [] } });
      const gone = [...loose, ...taken.flatMap(({ blobs }) => blobs)];
      expect(new Set(gone).size).toBe(gone.length);
      for (const blob of gone) {
        expect(roots.blobs.has(blob)).toBe(false);
        expect(inventory.blobs.has(blob)).toBe(true);
      }
      for (const { record, reason } of taken) expect(roots.records.has(record.key)).toBe(reason === 'intermediate');
      // what stays is needed
      const left = [...inventory.blobs.keys()].filter((blob) => !gone.includes(blob));
      for (const blob of left) expect(roots.blobs.has(blob)).toBe(true);
      const dropped = taken.filter(({ reason }) => reason === 'unused').length;
      expect(dropped).toBe([...inventory.records.keys()].filter((key) => !roots.records.has(key)).length);
      [records, artifacts] = [records + dropped, artifacts + gone.length];
    }
    console.log(`${rounds} stores: ${records} records and ${artifacts} artifacts taken away, none that is needed`);
    expect(artifacts).toBeGreaterThan(rounds);
  });

  it('leaves the artifacts of kept records alone unless it is asked for used ones', () => {
    const random = createRandom('kept');
    for (let i = 0; i < rounds; i++) {
      const inventory = randomInventory(random);
      const roots = randomRoots(random, inventory);
      const { taken, loose } = planCollection(inventory, roots);
      const gone = new Set([...loose, ...taken.flatMap(({ blobs }) => blobs)]);
      for (const key of roots.records) {
        for (const blob of namesOf(inventory.records.get(key) as KeptRecord)) expect(gone.has(blob)).toBe(false);
      }
    }
  });

  it('with a quota takes the oldest first, and no more than it needs', () => {
    const random = createRandom('quota');
    let reached = 0;
    for (let i = 0; i < rounds; i++) {
      const inventory = randomInventory(random);
      const roots = randomRoots(random, inventory);
      const all = { intermediate: { stages: [] } };
      const most = planCollection(inventory, roots, all);
      const quota_bytes = random.below(most.before_bytes);
      const options: CollectionOptions = { ...all, quota_bytes };
      const { taken, freed_bytes, before_bytes } = planCollection(inventory, roots, options);
      const left_bytes = before_bytes - freed_bytes;
      if (left_bytes > quota_bytes) expect(freed_bytes).toBe(most.freed_bytes);
      else if (taken.length > 0) {
        expect(left_bytes + (taken.at(-1)?.size_bytes ?? 0)).toBeGreaterThan(quota_bytes);
        reached++;
      }
      for (const reason of ['unused', 'intermediate']) {
        const ages = taken.filter((each) => each.reason === reason).map(({ record }) => record.finished);
        expect(ages).toEqual([...ages].sort());
      }
    }
    expect(reached).toBeGreaterThan(rounds / 10);
  });

  it('of some stages takes what these alone have', () => {
    const random = createRandom('stages');
    for (let i = 0; i < rounds; i++) {
      const inventory = randomInventory(random);
      const roots = randomRoots(random, inventory);
      const { taken } = planCollection(inventory, roots, { intermediate: { stages: ['s1'] } });
      const used = taken.filter(({ reason }) => reason === 'intermediate');
      const others = [...inventory.records.values()].filter(({ key, use }) => roots.records.has(key) && use !== 's1');
      const needed = new Set(others.flatMap(namesOf));
      for (const { record, blobs } of used) {
        expect(record.use).toBe('s1');
        for (const blob of blobs) expect(needed.has(blob)).toBe(false);
      }
    }
  });
});
