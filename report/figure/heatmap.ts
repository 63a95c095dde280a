// Heat maps: two axes of names, colours for numbers, one panel for each series, and the ramp that says what colours mean.
import * as Plot from '@observablehq/plot';
import type { PlanFigure } from '../../contract/plan.ts';
import { formatNumber } from '../numbers/number.ts';
import { cutText, textWidth } from '../numbers/text-width.ts';
import type { FigureData, FigurePoint } from './data.ts';
import { escapeMarkup } from './escape-markup.ts';
import { character_px, type Panel } from './frame.ts';
import { drawPlot, type PlotPanel } from './plot-panel.ts';
import { figureRange, isDrawable } from './scale.ts';

const rampSteps = 48;
const rampWidth = 240;
const panelGap = 24;
const widest = 1080;

/** The panels of a heat map, and the ramp as its legend. */
export function drawHeatmap(figure: PlanFigure, data: FigureData, metric: string): { legend: Panel; body: Panel } {
  const range = figureRange(
    data.points.map((point) => ({ ...point, half_width: null })),
    figure.scale,
    false,
  ) ?? [1, 10];
  const panels = data.series.map((series, i) => drawPanel(figure, data, i, series.labels.join(' · '), range));
  const body = arrange(panels);
  const [first] = panels;
  return { legend: first === undefined ? noPanel : drawRamp(range, figure.scale, metric, first), body };
}

const noPanel: Panel = { markup: '', width: 0, height: 0 };

function drawPanel(
  figure: PlanFigure,
  data: FigureData,
  index: number,
  title: string,
  range: readonly [number, number],
): PlotPanel {
  const { xs, ys } = data;
  const labels = { x: xs.map(({ label }) => cutText(label, 20)), y: ys.map(({ label }) => cutText(label, 20)) };
  const square = Math.max(14, Math.min(44, Math.floor(420 / Math.max(xs.length, ys.length, 1))));
  const marginLeft = 30 + Math.max(0, ...labels.y.map(textWidth)) * character_px;
  const widestX = Math.max(0, ...labels.x.map((text) => textWidth(text) * character_px));
  const turned = widestX > square;
  const marginBottom = turned ? 30 + widestX : 40;
  const points = data.points.filter((point) => point.series === index && isDrawable(point.value, figure.scale));
  const place = { x: (point: FigurePoint) => point.x, y: (point: FigurePoint) => point.y };
  const value = (point: FigurePoint) => point.value as number;
  const sizes = {
    width: Math.ceil(marginLeft + square * xs.length + 8),
    height: Math.ceil(36 + square * ys.length + marginBottom),
  };
  const axis = { tickSize: 0, labelArrow: 'none' as const };
  const scales = {
    x: { type: 'band' as const, domain: [...xs.keys()], padding: 0.04 },
    y: { type: 'band' as const, domain: [...ys.keys()].reverse(), padding: 0.04 },
    color: { type: figure.scale, scheme: 'viridis' as const, domain: [...range] },
  };
  const options = { ...sizes, ...scales, marginLeft, marginBottom, marginTop: 36, marginRight: 8 };
  const marks = [
    Plot.axisX({
      ...axis,
      label: figure.x_label,
      labelAnchor: 'center',
      labelOffset: marginBottom - 10,
      tickFormat: (at: number) => labels.x[at] ?? '',
      ...(turned ? { tickRotate: -90 } : {}),
    }),
    Plot.axisY({
      ...axis,
      label: `${figure.y_label} ↑`,
      labelAnchor: 'top',
      tickFormat: (at: number) => labels.y[at] ?? '',
    }),
    Plot.cell(points, { ...place, fill: value }),
  ];
  const plain = drawPlot({ ...options, marks });
  const named =
    title === '' ? [] : [Plot.text([title], { frameAnchor: 'top', dy: -30, fontSize: 12, fontWeight: 600 })];
  const numbers = square < 28 ? [] : numberMarks(points, place, plain);
  return drawPlot({ ...options, marks: [...marks, ...named, ...numbers] });
}

/** The numbers in the cells, dark on light colours and light on dark ones. */
function numberMarks(
  points: readonly FigurePoint[],
  place: Record<'x' | 'y', (point: FigurePoint) => number>,
  { colour }: PlotPanel,
): Plot.Markish[] {
  const isLight = (point: FigurePoint) => luminance(colour(point.value as number)) > 0.3;
  const text = (point: FigurePoint) => formatNumber(point.value as number);
  const of = (light: boolean) => points.filter((point) => isLight(point) === light);
  const written = (light: boolean) =>
    Plot.text(of(light), { ...place, text, fontSize: 9, fill: light ? '#111111' : '#ffffff' });
  return [written(true), written(false)];
}

/** Relative luminance (WCAG) of `rgb(r, g, b)` or `#rrggbb`. */
function luminance(colour: string): number {
  const parts = colour.startsWith('#')
    ? [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
    : (colour.match(/[\d.]+/g) ?? []).map(Number);
  const linear = parts.slice(0, 3).map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
}

/** Panels side by side, in as many rows as they need. */
function arrange(panels: readonly PlotPanel[]): Panel {
  const parts: string[] = [];
  let [x, y, width, height] = [0, 0, 0, 0];
  for (const panel of panels) {
    if (x > 0 && x + panel.width > widest) [x, y] = [0, height + panelGap];
    parts.push(`<g transform="translate(${x},${y})">${panel.markup}</g>`);
    width = Math.max(width, x + panel.width);
    height = Math.max(height, y + panel.height);
    x += panel.width + panelGap;
  }
  return { markup: parts.join(''), width, height };
}

/** The ramp: colours from the least to the most, with the metric before it and three numbers below. */
function drawRamp(
  range: readonly [number, number],
  scale: 'linear' | 'log',
  metric: string,
  { colour }: PlotPanel,
): Panel {
  const [least, most] = range;
  const at = (share: number) => (scale === 'log' ? least * (most / least) ** share : least + (most - least) * share);
  const step = rampWidth / rampSteps;
  const steps = Array.from({ length: rampSteps }, (_, i) => {
    const fill = colour(at((i + 0.5) / rampSteps));
    return `<rect x="${i * step}" width="${step + 0.5}" height="12" fill="${escapeMarkup(fill)}"/>`;
  });
  const ticks = [0, 0.5, 1].map((share) => {
    const anchor = share === 0 ? 'start' : share === 1 ? 'end' : 'middle';
    return `<text x="${share * rampWidth}" y="25" text-anchor="${anchor}" font-size="10">${formatNumber(at(share))}</text>`;
  });
  const label = cutText(metric, 40);
  const before = textWidth(label) * character_px + 12;
  const markup = `<text y="10">${escapeMarkup(label)}</text><g transform="translate(${before.toFixed(1)},0)">${steps.join('')}${ticks.join('')}</g>`;
  return { markup, width: before + rampWidth, height: 30 };
}
