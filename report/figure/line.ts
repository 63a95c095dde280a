// Lines and bars: numbers upwards, one axis along the bottom, a line or a row of bars for each series.
import * as Plot from '@observablehq/plot';
import type { PlanFigure } from '../../contract/plan.ts';
import { type BottomAxis, bottomAxis, isNumericAxis, sideAxis } from './axes.ts';
import type { FigureData, FigurePoint } from './data.ts';
import { type SeriesStyle, seriesStyle } from './frame.ts';
import { drawPlot, type PlotPanel } from './plot-panel.ts';
import { figureRange, isDrawable } from './scale.ts';

const marginLeft = 52;
const marginRight = 12;

/** One series, with what its marks need. */
interface Drawn {
  points: readonly FigurePoint[];
  style: SeriesStyle;
  /** The middle of a point along the bottom. */
  x(point: FigurePoint): number;
  /** A number held inside the range that is shown. */
  hold(value: number): number;
}

/** The panel of a line or bar figure. */
export function drawLines(figure: PlanFigure, data: FigureData): PlotPanel {
  const isBar = figure.kind === 'bar';
  const places = isBar ? data.xs.length * data.series.length : data.xs.length;
  const width = Math.min(1080, Math.max(560, marginLeft + marginRight + places * (isBar ? 16 : 22)));
  const numeric = !isBar && isNumericAxis(data.xs);
  const bottom = bottomAxis(data.xs, width - marginLeft - marginRight, numeric, figure.x_label);
  const range = figureRange(data.points, figure.scale, true) ?? [1, 10];
  const side = sideAxis(isBar ? barRange(range, figure.scale) : range, figure.scale);
  const { domain } = side;
  const ticks: [number[]] | [] = side.ticks === undefined ? [] : [[...side.ticks]];
  const marks = data.series.flatMap((series, i) => {
    const points = data.points.filter((point) => point.series === i);
    const shift = isBar ? barShift(i, data.series.length) : 0;
    const hold = (value: number) => Math.min(Math.max(value, domain[0]), domain[1]);
    const drawn = { points, style: seriesStyle(series), x: placeOf(bottom, shift), hold };
    const body = isBar ? barMarks(drawn, data.series.length, figure, domain[0]) : lineMarks(drawn, numeric, figure);
    return [...body, ...paperMarks(drawn, figure)];
  });
  return drawPlot({
    width,
    height: 300 + bottom.margin,
    marginLeft,
    marginRight,
    marginTop: 28,
    marginBottom: bottom.margin,
    x: { type: 'linear', domain: [...bottom.domain] },
    y: { type: figure.scale, domain: [...domain], nice: figure.scale === 'linear', zero: false },
    marks: [
      Plot.gridY(...ticks, { strokeOpacity: 0.13 }),
      // as `text`, because a logarithm drops some of what `tickFormat` gives
      Plot.axisY(...ticks, { label: figure.y_label, text: side.format, tickSize: 4 }),
      bottom.mark,
      ...(isBar && figure.scale === 'linear' ? [Plot.ruleY([0], { strokeOpacity: 0.6 })] : []),
      ...marks,
    ],
  });
}

function placeOf({ positions }: BottomAxis, shift: number): (point: FigurePoint) => number {
  return ({ x }) => (positions[x] as number) + shift;
}

/** Bars begin at zero; on a logarithm, which has none, below the least number. */
function barRange([least, most]: readonly [number, number], scale: 'linear' | 'log'): [number, number] {
  if (scale === 'linear') return [Math.min(0, least), Math.max(0, most)];
  return [least / Math.max(1.5, (most / least) ** 0.1), most];
}

const groupWidth = 0.8;

function barShift(index: number, count: number): number {
  return ((index + 0.5) / count - 0.5) * groupWidth;
}

function lineMarks({ points, style, x, hold }: Drawn, numeric: boolean, figure: PlanFigure): Plot.Markish[] {
  const measured = points.map((point) => (isDrawable(point.value, figure.scale) ? point : { ...point, value: null }));
  const base = { className: style.colour, x, stroke: 'currentColor' };
  const y = (point: FigurePoint) => point.value ?? Number.NaN;
  const dash = style.dash === '' ? {} : { strokeDasharray: style.dash };
  const dots = { className: style.colour, x, y, fill: 'currentColor', symbol: style.shape, r: 3 };
  return [
    ...intervalMarks(measured, { x, hold, className: style.colour }, numeric),
    Plot.line(measured, { ...base, y, strokeWidth: 1.8, ...dash }),
    Plot.dot(measured, dots),
  ];
}

/** The 95 % interval: a band along numbers, bars at names. */
function intervalMarks(
  points: readonly FigurePoint[],
  { x, hold, className }: Pick<Drawn, 'x' | 'hold'> & { className: string },
  band: boolean,
): Plot.Markish[] {
  if (!points.some((point) => point.half_width !== null && point.half_width > 0)) return [];
  const edge = (sign: number) => (point: FigurePoint) =>
    point.value === null ? Number.NaN : hold(point.value + sign * (point.half_width ?? 0));
  const ends = { className, x, y1: edge(-1), y2: edge(1) };
  if (band) return [Plot.areaY(points, { ...ends, fill: 'currentColor', fillOpacity: 0.18 })];
  return [Plot.ruleX(points, { ...ends, stroke: 'currentColor', strokeWidth: 1.4 })];
}

function barMarks({ points, style, x, hold }: Drawn, count: number, figure: PlanFigure, base: number): Plot.Markish[] {
  const measured = points.filter((point) => isDrawable(point.value, figure.scale));
  const half = (groupWidth / count) * 0.45;
  const foot = figure.scale === 'linear' ? 0 : base;
  const dashed = style.dash === '' ? {} : { stroke: 'currentColor', strokeDasharray: style.dash, fillOpacity: 0.45 };
  const bars = Plot.rect(measured, {
    className: style.colour,
    x1: (point: FigurePoint) => x(point) - half,
    x2: (point: FigurePoint) => x(point) + half,
    y1: () => foot,
    y2: (point: FigurePoint) => hold(point.value as number),
    fill: 'currentColor',
    fillOpacity: 0.85,
    ...dashed,
  });
  return [bars, ...intervalMarks(measured, { x, hold, className: 'lf-ink' }, false)];
}

/** The paper's numbers, hollow. */
function paperMarks({ points, style, x }: Drawn, { kind, scale }: PlanFigure): Plot.Markish[] {
  const printed = points.filter((point) => isDrawable(point.paper, scale));
  if (printed.length === 0) return [];
  const y = (point: FigurePoint) => point.paper as number;
  // on a bar of its own colour a mark would not be seen
  const className = kind === 'bar' ? 'lf-ink' : style.colour;
  const hollow = { fill: 'none', stroke: 'currentColor', strokeWidth: 1.6, symbol: style.shape, r: 4.5 };
  return [Plot.dot(printed, { className, x, y, ...hollow })];
}
