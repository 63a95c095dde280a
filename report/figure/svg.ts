// Draws the figures of a result as SVG that stands by itself: no script, no font file, no network.
import type { PlanFigure } from '../../contract/plan.ts';
import type { RunResult } from '../../contract/result.ts';
import { type FigureData, figureData } from './data.ts';
import { frameFigure, legendOf } from './frame.ts';
import { drawHeatmap } from './heatmap.ts';
import { drawLines } from './line.ts';
import { isDrawable } from './scale.ts';

/** A figure, drawn. */
export interface DrawnFigure {
  name: string;
  title: string;
  caption: string;
  svg: string;
}

/** All figures of a result, in the order of the spec; equal numbers give equal bytes. */
export function drawFigures(result: RunResult): DrawnFigure[] {
  return result.figures.map((figure) => {
    const { name, title, caption } = figure;
    return { name, title, caption, svg: drawFigure(result, figure) };
  });
}

function drawFigure(result: RunResult, figure: PlanFigure): string {
  const data = figureData(result, figure);
  const remarks = [
    ...remarksOn(result, figure, data),
    ...(data.points.length === 0 ? ['none of its cells is here'] : []),
  ];
  const footer = remarks.join(' · ');
  if (figure.kind === 'heatmap') {
    const { legend, body } = drawHeatmap(figure, data, result.table.metric);
    return frameFigure(figure.title, figure.caption, legend, body, footer);
  }
  const body = drawLines(figure, data);
  return frameFigure(figure.title, figure.caption, legendOf(data.series, figure.kind, body.width), body, footer);
}

/** What a reader must know of the marks. */
function remarksOn(result: RunResult, figure: PlanFigure, { points }: FigureData): string[] {
  const remarks: string[] = [];
  const flat = figure.kind !== 'heatmap';
  if (flat && points.some((point) => point.paper !== null))
    remarks.push(`hollow: ${result.table.paper || 'the paper'}`);
  if (flat && points.some((point) => point.half_width !== null)) remarks.push('95 % interval of the mean over runs');
  const missing = points.filter((point) => point.value === null).length;
  if (missing > 0) remarks.push(`${missing} of ${points.length} points have no value`);
  const hidden = points.filter((point) => point.value !== null && !isDrawable(point.value, figure.scale)).length;
  if (hidden > 0)
    remarks.push(`${hidden} of ${points.length} points are not above zero, which a logarithm cannot show`);
  return remarks;
}
