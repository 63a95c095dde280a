// The losses of trainings as a picture: one line for each, seeds of one group in one colour.
import * as Plot from '@observablehq/plot';
import { frameFigure, legendOf, seriesStyle } from './frame.ts';
import { drawPlot } from './plot-panel.ts';

/** A training: values upwards, by step, tokens or seconds. */
export interface CurveLine {
  /** Lines of one group have one colour and one entry in the legend. */
  group: string;
  /** What sets it apart within its group. */
  name: string;
  points: readonly { x: number; y: number }[];
}

export interface CurveOptions {
  title: string;
  x_label: string;
  width: number;
  log_x: boolean;
  log_y: boolean;
}

/** More groups than this have no legend: their names stand at the lines when they are pointed at. */
const mostInLegend = 24;

/** All lines, none left out but points that a logarithm has no place for. */
export function drawCurves(lines: readonly CurveLine[], { title, x_label, width, log_x, log_y }: CurveOptions): string {
  const groups = [...new Set(lines.map(({ group }) => group))];
  const inner = width - 34;
  const isDrawable = ({ x, y }: { x: number; y: number }) =>
    Number.isFinite(x) && Number.isFinite(y) && (!log_x || x > 0) && (!log_y || y > 0);
  const drawn = lines.map((line) => ({ ...line, points: line.points.filter(isDrawable) }));
  const marks = drawn.flatMap((line) => {
    const style = seriesStyle({ first: groups.indexOf(line.group), rest: 0 });
    const dash = style.dash === '' ? {} : { strokeDasharray: style.dash };
    const label = [line.group, line.name].filter((part) => part !== '').join(' · ');
    const place = { x: 'x', y: 'y', className: style.colour, stroke: 'currentColor' };
    if (line.points.length === 1) return [Plot.dot(line.points, { ...place, title: () => label })];
    return [
      Plot.line(line.points, { ...place, ...dash, strokeWidth: 1.4, strokeOpacity: 0.85, z: null, title: () => label }),
    ];
  });
  const ticks = { tickSize: 4 };
  const body = drawPlot({
    width: inner,
    height: Math.round(Math.min(420, Math.max(260, inner * 0.5))),
    marginLeft: 52,
    marginRight: 12,
    marginTop: 24,
    marginBottom: 40,
    x: { type: log_x ? 'log' : 'linear', label: x_label },
    y: { type: log_y ? 'log' : 'linear', label: 'loss', nice: !log_y },
    marks: [
      Plot.gridY({ strokeOpacity: 0.13 }),
      Plot.axisX({ ...ticks, label: x_label, ticks: Math.max(3, Math.round(inner / 110)), tickFormat: short }),
      Plot.axisY({ ...ticks, label: 'loss', ticks: 6, tickFormat: short }),
      ...marks,
    ],
  });
  const series = groups.map((group, i) => ({ labels: [group === '' ? title : group], first: i, rest: 0 }));
  const legend = groups.length > mostInLegend ? { markup: '', width: 0, height: 0 } : legendOf(series, 'line', inner);
  const hidden = lines.length - drawn.filter(({ points }) => points.length > 0).length;
  const remarks = [
    `${lines.length} ${lines.length === 1 ? 'training' : 'trainings'}`,
    ...(groups.length > mostInLegend ? [`${groups.length} groups: point at a line for its name`] : []),
    ...(hidden > 0 ? [`${hidden} without a point that can be drawn`] : []),
  ];
  return frameFigure(title, `losses by ${x_label}`, legend, body, remarks.join(' · '), inner);
}

/** `1.2k`, `3M`, `0.05`: short enough for a phone. */
function short(value: number): string {
  const size = Math.abs(value);
  const units = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const unit = units.find(([from]) => size >= from);
  if (unit !== undefined) return `${Number((value / unit[0]).toPrecision(3))}${unit[1]}`;
  return String(Number(value.toPrecision(3)));
}
