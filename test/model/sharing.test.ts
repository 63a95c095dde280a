// Replacement types against the paper's Table 8, their rule for other depths, explicit maps, and the ratios.
import { describe, expect, it } from 'vitest';
import { compressionRatio, storedRatio } from '../../model/ratios.ts';
import { formatMap, pairs, replacementMap, replacementTypes, targetCount } from '../../model/sharing.ts';
import { checkMap, parseMap } from '../../model/sharing-parse.ts';

// paper-tables.yaml, table8 (arXiv 2502.07832, Table 8); T_more_8 is the map its printed ratios belong to (derived there)
const table8: [string, number, string][] = [
  ['T_next', 56, '3:4; 5:6; 7:8; 9:10; 11:12; 13:14; 15:16; 17:18; 19:20; 21:22; 23:24; 25:26; 27:28; 29:30'],
  ['T_next2', 44, '3:4,5; 6:7,8; 9:10,11; 12:13,14; 15:16,17; 18:19,20; 21:22,23; 24:25,26; 27:28,29'],
  ['T_back', 38, '3:4; 5:6; 7:8; 9:10; 11:12; 13:14,15; 16:17,18,19,20,21,22; 23:24,25,26,27,28,29,30'],
  ['T_front', 38, '3:4,5,6,7,8,9,10; 11:12,13,14,15,16,17; 18:19,20; 21:22; 23:24; 25:26; 27:28; 29:30'],
  ['T_more', 28, '3:4,5,6; 7:8,9,10,11; 13:14,15,16,17,18,19,20,21,22; 23:24,25,26,27,28,29,30'],
  ['T_more_8', 25, '3:4,5,6; 7:8,9,10,11,12; 13:14,15,16,17,18,19,20,21,22; 23:24,25,26,27,28,29,30'],
  ['T_max', 16, '2:3,4,5,6,7,8,9,10; 11:12,13,14,15,16,17,18,19,20; 21:22,23,24,25,26,27,28,29,30,31'],
];

describe('replacement types', () => {
  it.each(table8)('%s of 32 layers is the map of Table 8, tau %i %%', (name, tau, map) => {
    expect(formatMap(replacementMap(name, 32))).toBe(map);
    expect(Math.round(100 * storedRatio(replacementMap(name, 32), 32))).toBe(tau);
  });

  it('every type is in the table', () => expect(table8.map(([name]) => name)).toEqual(replacementTypes));

  it.each([
    ['T_next', 4, '2:3'],
    ['T_next', 8, '2:3; 4:5; 6:7'],
    ['T_next', 16, '3:4; 5:6; 7:8; 9:10; 11:12; 13:14'],
    ['T_next', 28, '2:3; 4:5; 6:7; 8:9; 10:11; 12:13; 14:15; 16:17; 18:19; 20:21; 22:23; 24:25; 26:27'],
    ['T_next2', 16, '3:4,5; 6:7,8; 9:10,11; 12:13,14'],
    ['T_max', 12, '2:3,4; 5:6,7; 8:9,10,11'],
  ])('%s of %i layers is %s', (name, layers, map) => expect(formatMap(replacementMap(name, layers))).toBe(map));

  it('every type of every depth from 8 to 80 is a valid map that spares the ends', () => {
    for (const name of replacementTypes) {
      for (let layers = 8; layers <= 80; layers++)
        expect(() => checkMap(replacementMap(name, layers), layers)).not.toThrow();
    }
  });

  it('an unknown type and a model that is too shallow are refused', () => {
    expect(() => replacementMap('T_nxt', 32)).toThrow(
      "replacement type 'T_nxt' is unknown, expected one of T_next, T_next2",
    );
    expect(() => replacementMap('T_next', 3)).toThrow(
      "replacement type 'T_next' shares nothing in a model of 3 layers",
    );
  });
});

describe('explicit maps', () => {
  it.each([
    ['3:4,5; 6:7', '3:4,5; 6:7'],
    ['6:7;3:4-5;', '3:4,5; 6:7'],
    [{ '3': [4, 5], '6': 7 }, '3:4,5; 6:7'],
    ['T_next', '2:3; 4:5; 6:7'],
  ])('%j is read', (spec, map) => expect(formatMap(parseMap(spec, 8))).toBe(map));

  it.each([
    ['3:5', "replacement map: group '3:5': targets must follow their reference without a gap, expected 4, got 5"],
    ['3:4,5; 5:6', "replacement map: group '5:6': layer 5 is in the group before it already, groups must not overlap"],
    ['7:8', "replacement map: group '7:8': the last layer (8) and those beyond it are never targets, got 8"],
    ['0:1', "replacement map: group '0:1': layers count from 1, got reference 0"],
    ['3-4', "replacement map: '3-4' is not a group, expected 'reference:target,target' such as '3:4,5'"],
    ['3:5-4', "replacement map: '5-4' is not a layer, expected a number such as '4' or a range such as '4-6'"],
    [{}, "a replacement map must have a group, expected such as '3:4; 5:6'"],
    [{ '3': [] }, "replacement map: group '3:' has no target"],
    [{ a: [4] }, "replacement map: 'a' must have a layer or a list of layers"],
  ])('%j is refused', (spec, message) => expect(() => parseMap(spec, 8)).toThrow(message));

  it('pairs list targets with their reference', () => {
    expect(pairs(parseMap('3:4,5; 6:7', 8))).toEqual([
      { reference: 3, target: 4 },
      { reference: 3, target: 5 },
      { reference: 6, target: 7 },
    ]);
  });
});

describe('ratios', () => {
  const llama7b = { num_hidden_layers: 32, hidden_size: 4096, intermediate_size: 11008 };
  // printed in Tables 2 and 3 (paper-tables.yaml): s in per cent, for Llama-2-7b
  it.each([
    ['T_next', 5, 56.3, 0.1],
    ['T_next', 20, 56.5, 0.1],
    ['T_next', 400, 62.1, 0.05],
    ['T_back', 5, 37.6, 0.1],
    ['T_back', 20, 37.9, 0.05],
    ['T_back', 400, 45.9, 0.05],
    ['T_more_8', 400, 35.05, 0.4],
  ])('%s at rank %i keeps %f %%', (type, rank, s, tolerance) => {
    const ratio = compressionRatio(replacementMap(type, 32), llama7b, { candidate: 'g0', rank });
    expect(Math.abs(100 * ratio - s)).toBeLessThan(tolerance);
  });

  it('rank 0 stores no recovery parameters: s = tau', () => {
    const map = replacementMap('T_next', 32);
    expect(compressionRatio(map, llama7b, { candidate: 'g0', rank: 0 })).toBe(18 / 32);
    expect(targetCount(map)).toBe(14);
  });

  it('an unknown candidate is refused', () => {
    const map = replacementMap('T_next', 32);
    expect(() => compressionRatio(map, llama7b, { candidate: 'g9', rank: 4 })).toThrow(
      "candidate 'g9' is not available, expected 'g0'",
    );
  });
});
