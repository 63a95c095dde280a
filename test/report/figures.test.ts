import { describe, expect, test } from 'vitest';
import { figureData } from '../../report/figure/data.ts';
import { drawFigures } from '../../report/figure/svg.ts';
import { figure, hostile, made } from './made.ts';
import { cell, perplexityTable, result } from './results.ts';

const axis = (name: string, values: string[]) => ({
  name,
  label: name,
  values: values.map((value) => ({ name: value, label: value })),
});

describe('the points of a figure', () => {
  test('are means over repeated runs, in the order of the axes, with the paper beside them', () => {
    const data = figureData(made, figure({ where: { method: ['sharp', 'original'], data: ['arxiv_math'] } }));
    expect(data.xs.map(({ label }) => label)).toEqual(['Original', 'SHARP']);
    expect(data.series).toEqual([{ labels: ['Arxiv-math'], first: 0, rest: 0 }]);
    // 1.5, 1.53, 1.56 and 2, 2.04, 2.08; t(2) = 4.303
    expect(data.points.map(({ value }) => value)).toEqual([expect.closeTo(1.53, 9), expect.closeTo(2.04, 9)]);
    expect(data.points[1]?.half_width).toBeCloseTo((4.303 * 0.04) / Math.sqrt(3), 9);
    expect(data.points[0]).toMatchObject({ x: 0, y: 0, series: 0, paper: 3 });
  });

  test('of a place without any number have none', () => {
    const cells = [cell({ method: 'sharp', data: 'x' }, null), cell({ method: 'original', data: 'x' }, 2)];
    const data = figureData(result(cells), figure({ series: [] }));
    expect(data.points.map(({ value }) => value)).toEqual([2, null]);
  });
});

describe('a figure', () => {
  const svgs = drawFigures(made).map(({ svg }) => svg);

  test('is an SVG by itself, the same each time', () => {
    expect(drawFigures(made).map(({ svg }) => svg)).toEqual(svgs);
    for (const svg of svgs) {
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      expect(svg).not.toMatch(/href|<image|url\(|<script|NaN|Infinity|undefined/);
      expect(svg).toContain('prefers-color-scheme:dark');
      expect(svg).not.toMatch(/ id="/);
    }
  });

  test('shows hostile titles and labels as text', () => {
    expect(svgs[0]).toContain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;');
    expect(svgs.join('')).not.toContain('\u0000');
    expect(hostile).toContain('\u0000');
  });

  test('tells series apart by colour and by mark, and says what its marks mean', () => {
    const legend = [...(svgs[0] ?? '').matchAll(/<g class="(lf-c\d)"><path d="M0,6H26"/g)].map((match) => match[1]);
    expect(legend).toEqual(['lf-c0', 'lf-c1', 'lf-c2']);
    expect(svgs[0]).toContain('hollow: Table 2, Llama-2-7b · 95 % interval of the mean over runs');
  });

  test('of bars has one for each point', () => {
    const bars = [...(svgs[1] ?? '').matchAll(/aria-label="rect">(.*?)<\/g>/g)].map(
      (match) => match[1]?.match(/<rect/g)?.length,
    );
    expect(bars).toEqual([4, 4, 4]);
  });

  test('of a heat map has a cell for each point, its number in it, and a ramp', () => {
    const cells = /aria-label="cell">(.*?)<\/g>/.exec(svgs[2] ?? '')?.[1] ?? '';
    expect(cells.match(/<rect/g)).toHaveLength(12);
    expect(svgs[2]).toContain('>1.53</text>');
    expect(svgs[2]?.match(/<rect x="[\d.]+" width="5\.5" height="12"/g)).toHaveLength(48);
  });

  test('puts numbers of an axis at their places, and names one after the other', () => {
    const draw = (values: string[]) => {
      const cells = values.map((rank) => cell({ rank }, Number.parseFloat(rank)));
      const shape = { axes: [axis('rank', values)], table: perplexityTable };
      const [drawn] = drawFigures(
        result(cells, { ...shape, figures: [figure({ x: 'rank', series: [], scale: 'linear' })] }),
      );
      const dots = /aria-label="dot">(.*?)<\/g>/.exec(drawn?.svg ?? '')?.[1] ?? '';
      return [...dots.matchAll(/(?:cx="|translate\()([\d.]+)/g)].map((match) => Number(match[1]));
    };
    const [a = 0, b = 0, c = 0] = draw(['1', '2', '5']);
    expect((c - b) / (b - a)).toBeCloseTo(3, 1);
    const [d = 0, e = 0, f = 0] = draw(['1 %', '2 %', '5 %']);
    expect((f - e) / (e - d)).toBeCloseTo(1, 1);
  });

  test('leaves a gap where a logarithm has no place, and says so', () => {
    const cells = [1, 0, -2, 10].map((value, i) => cell({ rank: String(i) }, value));
    const shape = { axes: [axis('rank', ['0', '1', '2', '3'])], figures: [figure({ x: 'rank', series: [] })] };
    const [drawn] = drawFigures(result(cells, shape));
    expect(drawn?.svg).toContain('2 of 4 points are not above zero, which a logarithm cannot show');
  });

  test('of no cells says so', () => {
    const kinds = ['line', 'bar', 'heatmap'] as const;
    const figures = kinds.map((kind) => figure({ kind, ...(kind === 'heatmap' ? { y: 'data', series: [] } : {}) }));
    for (const { svg } of drawFigures(result([], { figures }))) {
      expect(svg).toContain('none of its cells is here');
      expect(svg).not.toMatch(/NaN|Infinity/);
    }
  });
});
