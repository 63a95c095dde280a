// Replacement types against the paper's Table 8, their rule for other depths, explicit maps.
import { describe, expect, it } from 'vitest';
import { formatReplacements, replacementsOf } from '../../model/sharing/replacement.ts';
import { pairs, type ReplacementMap, replacementMap, replacementTypes } from '../../model/sharing/sharing.ts';
import { checkMap, parseLayers, parseMap } from '../../model/sharing/sharing-parse.ts';

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

const formatMap = (map: ReplacementMap) => formatReplacements(replacementsOf(map));

describe('replacement types', () => {
  it.each(table8)('%s of 32 layers is the map of Table 8, tau %i %%', (name, tau, map) => {
    expect(formatMap(replacementMap(name, 32))).toBe(map);
    expect(Math.round((100 * (32 - pairs(replacementMap(name, 32)).length)) / 32)).toBe(tau);
  });

  it('every type is in the table', () => expect(table8.map(([name]) => name)).toEqual(replacementTypes));

  it.each([
    ['T_next', 4, '2:3'],
    ['T_next', 8, '2:3; 4:5; 6:7'],
    ['T_next', 16, '3:4; 5:6; 7:8; 9:10; 11:12; 13:14'],
    ['T_next', 28, '2:3; 4:5; 6:7; 8:9; 10:11; 12:13; 14:15; 16:17; 18:19; 20:21; 22:23; 24:25; 26:27'],
    ['T_next2', 16, '3:4,5; 6:7,8; 9:10,11; 12:13,14'],
    ['T_back', 12, '2:3; 4:5; 6:7,8,9,10,11'],
    ['T_front', 12, '2:3,4,5,6,7; 8:9; 10:11'],
    ['T_more', 12, '2:3,4; 5:6,7,8,9,10,11'],
    ['T_more_8', 12, '2:3,4,5,6,7,8,9,10,11'],
    ['T_max', 12, '2:3,4,5,6,7,8,9,10,11'],
    ['T_back', 28, '3:4; 5:6; 7:8; 9:10; 11:12; 13:14,15,16,17,18; 19:20,21,22,23,24,25,26'],
  ])('%s of %i layers is %s', (name, layers, map) => expect(formatMap(replacementMap(name, layers))).toBe(map));

  it('every type of every depth from 8 to 80 is a valid map that spares the ends', () => {
    for (const name of replacementTypes) {
      for (let layers = 8; layers <= 80; layers++)
        expect(() => checkMap(replacementMap(name, layers), layers)).not.toThrow();
    }
  });

  it('other depths keep the order of the types by stored layers, and come near their stored ratio', () => {
    for (const layers of [12, 14, 16, 24, 28, 40, 80]) {
      const stored = (name: string) => (layers - pairs(replacementMap(name, layers)).length) / layers;
      const order = ['T_max', 'T_more', 'T_back', 'T_next2', 'T_next'].map(stored);
      expect(order, `${layers} layers`).toEqual(order.toSorted((a, b) => a - b));
      for (const [name, tau] of table8)
        expect(Math.abs(stored(name) - tau / 100), `${name} ${layers}`).toBeLessThan(0.13); // the layers kept at the ends weigh more in a small model
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

describe('lists of layers', () => {
  it.each([
    ['3-6,18', [3, 4, 5, 6, 18]],
    [' 5 , 2-3,2 ', [2, 3, 5]],
  ])('%j is read', (text, layers) => expect(parseLayers(text, 18)).toEqual(layers));

  it.each([
    ['0-2', "layers: '0-2' must name layers from 1 to 18, got 0"],
    ['17-19', "layers: '17-19' must name layers from 1 to 18, got 19"],
    ['3,,4', "layers: '' is not a layer, expected a number such as '4' or a range such as '4-6'"],
    ['4-3', "layers: '4-3' is not a layer"],
    ['', "layers: '' is not a layer"],
  ])('%j is refused', (text, message) => expect(() => parseLayers(text, 18)).toThrow(message));
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

  it('anywhere, any layer may stand in for any other, once', () => {
    expect(formatMap(parseMap('7:8; 2:5,1', 8, true))).toBe('2:5,1; 7:8');
    expect(() => parseMap('2:9', 8, true)).toThrow(
      'replacement map: layer 9 is not there, expected each once, from 1 to 8',
    );
    expect(() => parseMap('2:5; 5:6', 8, true)).toThrow('layer 5 occurs twice');
    expect(() => parseMap('2:2', 8, true)).toThrow('layer 2 occurs twice');
  });

  it('pairs list targets with their reference', () => {
    expect(pairs(parseMap('3:4,5; 6:7', 8))).toEqual([
      { reference: 3, target: 4 },
      { reference: 3, target: 5 },
      { reference: 6, target: 7 },
    ]);
  });
});
