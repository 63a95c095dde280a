import { describe, expect, test } from 'vitest';
import { checked, experiment, planned, specFolder } from './spec-folder.ts';

const withFigures = (figures: string, more = '') =>
  specFolder({ 'e.yaml': `${experiment}${more}figures:\n${figures}` });

describe('a figure', () => {
  test('takes what it does not say from the axes and the table', async () => {
    const folder = withFigures('  - { name: by-type, kind: line, x: type, series: [method] }\n');
    expect((await planned(folder)).figures).toEqual([
      {
        name: 'by-type',
        title: 'by-type',
        kind: 'line',
        x: 'type',
        series: ['method'],
        where: {},
        scale: 'linear',
        x_label: 'type',
        y_label: 'perplexity',
        caption: '',
      },
    ]);
  });

  test('of a heat map has a second axis, and may be of some cells only', async () => {
    const folder = withFigures(
      '  - { name: map, title: Map, kind: heatmap, x: type, y: method, scale: log, where: { method: [slw, sft], type: T_back } }\n',
    );
    expect((await planned(folder)).figures[0]).toMatchObject({
      kind: 'heatmap',
      y: 'method',
      y_label: 'method',
      scale: 'log',
      where: { method: ['slw', 'sft'], type: ['T_back'] },
    });
  });

  test('has an axis that --set adds as one more series, and seeds averaged', async () => {
    const folder = withFigures('  - { name: f, kind: bar, x: type, series: [method] }\n');
    const plan = await planned(folder, { set: ['rank=5,20', 'seed=0,1'] });
    expect(plan.figures[0]?.series).toEqual(['method', 'rank']);
  });

  const mistakes: [what: string, figure: string, message: string][] = [
    [
      'an unknown axis',
      '{ name: f, kind: line, x: typ, series: [method] }',
      "e.yaml:12:31  figure 1: unknown axis 'typ' (did you mean 'type'?)",
    ],
    [
      'an unknown kind',
      '{ name: f, kind: lines, x: type, series: [method] }',
      "e.yaml:12:22  figure 1: 'kind' expects 'line', 'heatmap' or 'bar', got 'lines' (did you mean 'line'?)",
    ],
    [
      'a heat map without a second axis',
      '{ name: f, kind: heatmap, x: type }',
      "e.yaml:12:22  figure 1: a heat map needs the axis 'y'",
    ],
    [
      'a second axis of lines',
      '{ name: f, kind: line, x: type, y: method }',
      "e.yaml:12:40  figure 1: 'y' goes with a heat map, not with 'line'",
    ],
    [
      'an axis in two places',
      '{ name: f, kind: line, x: type, series: [type, method] }',
      "e.yaml:12:46  figure 1: axis 'type' already has a place in it",
    ],
    [
      'cells on one point',
      '{ name: f, kind: line, x: type }',
      "e.yaml:12:7  figure 1: several cells fall on one point: axis 'method' varies: name it in 'series', or fix it with 'where'",
    ],
    [
      'an unknown value',
      '{ name: f, kind: line, x: type, where: { method: slv } }',
      "e.yaml:12:54  figure 1: unknown value 'slv' of axis 'method' (did you mean 'slw'?)",
    ],
    [
      'a name that is taken',
      '{ name: stages, kind: line, x: type, series: [method] }',
      "e.yaml:12:13  figure 1: there is a 'stages' already, choose another name",
    ],
    [
      'a name that is no file',
      '{ name: ../f, kind: line, x: type, series: [method] }',
      "e.yaml:12:13  figure 1: 'name' expects a name of letters, digits, '_', '-' and '.', got '../f'",
    ],
  ];
  test.each(mistakes)('with %s is reported where it is', async (_what, figure, message) => {
    expect(await checked(withFigures(`  - ${figure}\n`))).toEqual([message]);
  });
});

describe('notes', () => {
  test('are for all cells, or for those that they name; a profile adds its own', async () => {
    const notes = 'notes:\n  - of all\n  - { where: { type: T_back, method: [slw, sft] }, note: of some }\n';
    const profiles = 'profiles: { x: { notes: [of x, { where: { method: slw }, note: of x and slw }] } }\n';
    const plan = await planned(specFolder({ 'e.yaml': `${experiment}${notes}${profiles}` }));
    expect(plan.notes).toEqual(['of all', 'of x']);
    expect(plan.cell_notes).toEqual([
      { where: { type: ['T_back'], method: ['slw', 'sft'] }, note: 'of some' },
      { where: { method: ['slw'] }, note: 'of x and slw' },
    ]);
  });

  test('on cells that do not exist are reported', async () => {
    const text =
      'exclude: [{ type: T_back, method: slw }]\nnotes:\n  - { where: { type: T_back, method: slw }, note: x }\n';
    expect(await checked(specFolder({ 'e.yaml': `${experiment}${text}` }))).toEqual([
      'e.yaml:13:14  note: no cell has these axis values',
    ]);
    const unknown = 'notes: [{ where: { typ: T_back }, note: x }]\n';
    expect(await checked(specFolder({ 'e.yaml': `${experiment}${unknown}` }))).toEqual([
      "e.yaml:11:20  note: unknown axis 'typ' (did you mean 'type'?)",
    ]);
  });
});

describe('the name of an axis', () => {
  test('must not be that of a column of the results', async () => {
    const text = experiment.replace(
      '  type: [T_next, T_back]\n',
      '  type: [T_next, T_back]\n  paper: { values: { a: {}, b: {} } }\n',
    );
    const table = text.replace('rows: [method]', 'rows: [method, paper]');
    expect(await checked(specFolder({ 'e.yaml': table }))).toEqual([
      "e.yaml:6:3  axis 'paper': the results have a column of this name already, choose another",
    ]);
  });

  test('nor may that of a column beside the numbers, or be an axis', async () => {
    for (const column of ['n', 'type']) {
      const text = experiment.replace('table: {', `table: { beside: { ${column}: {} },`);
      expect(await checked(specFolder({ 'e.yaml': text }))).toEqual([
        `e.yaml:10:20  column '${column}' beside the numbers: the results have a column of this name already, choose another`,
      ]);
    }
  });
});
