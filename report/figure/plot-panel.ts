// Observable Plot without a browser: a plot becomes markup that can stand in a larger picture.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Panel } from './frame.ts';

/** What Plot takes, without the document. */
export type PlotOptions = Omit<Plot.PlotOptions, 'document' | 'className'> & { width: number; height: number };

/** A plot as markup, with the scale of its colours. Equal options give equal bytes. */
export interface PlotPanel extends Panel {
  colour(value: number): string;
}

/** Draws a plot. Coordinates are rounded to hundredths of a pixel, and its style goes: the figure has one of its own. */
export function drawPlot(options: PlotOptions): PlotPanel {
  const { document } = parseHTML('<html></html>');
  const drawn = Plot.plot({ ...options, document: document as never, className: 'plot' }) as unknown as DrawnPlot;
  drawn.setAttribute('overflow', 'visible');
  const markup = drawn.outerHTML
    .replace(/<style>[^<]*<\/style>/, '')
    .replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{3,}/g, (digits) => String(Number(Number(digits).toFixed(2)))));
  const { width, height } = options;
  return { markup, width, height, colour: (value) => drawn.scale('color')?.apply(value) ?? 'none' };
}

/** The part of what Plot returns that is used here; the element's own types need a browser's library. */
interface DrawnPlot {
  outerHTML: string;
  setAttribute(name: string, value: string): void;
  scale(name: 'color'): { apply(value: number): string } | undefined;
}
