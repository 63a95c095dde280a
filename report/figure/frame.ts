// What all figures share: the page they are drawn on, colours for light and dark, the legend and the title.
import { textWidth, wrapText } from '../numbers/text-width.ts';
import type { FigureSeries } from './data.ts';
import { escapeMarkup } from './escape-markup.ts';

/** Colours by Okabe and Ito (Color Universal Design), moved towards the middle so that each stands out on the page. */
const lightColours = ['#0072b2', '#d55e00', '#00845f', '#b5508f', '#a17400', '#2b8cc4', '#5f5f5f', '#7a3e9d'];
const darkColours = ['#56a9e8', '#ff8a3d', '#2fc79a', '#e39ac4', '#e8b430', '#8fd0f5', '#b8b8b8', '#c79be0'];
const dashes = ['', '6 3', '2 3', '8 3 2 3'];
const shapes = ['circle', 'square', 'triangle', 'diamond'] as const;

export const fontFamily = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif";
/** Pixels that a character of the figures' small type takes, a little more than on average. */
export const character_px = 6.2;

/** How a series is drawn: a colour, and marks that tell it apart without colours. */
export interface SeriesStyle {
  colour: string;
  dash: string;
  shape: (typeof shapes)[number];
}

/** The first axis of the series has the colours, the others the dashes; with one axis each line has its own mark. */
export function seriesStyle({ first, rest }: Pick<FigureSeries, 'first' | 'rest'>): SeriesStyle {
  const round = Math.floor(first / lightColours.length);
  return {
    colour: `lf-c${first % lightColours.length}`,
    dash: dashes[(rest + round) % dashes.length] as string,
    shape: shapes[(first + rest) % shapes.length] as (typeof shapes)[number],
  };
}

/** A part of a figure: markup and the room that it takes, from (0, 0). */
export interface Panel {
  markup: string;
  width: number;
  height: number;
}

/** The whole picture, of at least `least` inner pixels: title, legend, the panel and a footer of small print. Equal parts give equal bytes. */
export function frameFigure(
  title: string,
  caption: string,
  legend: Panel,
  body: Panel,
  footer: string,
  least = 360,
): string {
  const margin = 16;
  const width = Math.ceil(Math.max(body.width, legend.width, least) + 2 * margin);
  const titles = wrapText(title, Math.floor((width - 2 * margin) / 7.6));
  const parts: string[] = [];
  let y = margin;
  for (const line of titles) {
    y += 16;
    parts.push(`<text x="${margin}" y="${y}" font-size="14" font-weight="600">${escapeMarkup(line)}</text>`);
  }
  y += 12;
  for (const panel of [legend, body]) {
    if (panel.height === 0) continue;
    parts.push(`<g transform="translate(${margin},${y})">${panel.markup}</g>`);
    y += Math.ceil(panel.height) + 8;
  }
  for (const line of footer === '' ? [] : wrapText(footer, Math.floor((width - 2 * margin) / 5.6))) {
    y += 13;
    parts.push(`<text x="${margin}" y="${y}" font-size="10" opacity="0.75">${escapeMarkup(line)}</text>`);
  }
  const height = y + margin;
  const label = escapeMarkup([title, caption].filter((part) => part !== '').join('. '));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="lamina-figure" role="img" aria-label="${label}"`,
    ` width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${fontFamily}" font-size="11">`,
    `<style>${figureStyle}</style>`,
    `<rect class="lf-page" width="${width}" height="${height}" rx="6"/>`,
    `<g class="lf-ink" fill="currentColor">${parts.join('\n')}</g>`,
    '</svg>\n',
  ].join('');
}

const colourRules = (colours: readonly string[]) =>
  colours.map((colour, i) => `.lamina-figure .lf-c${i}{color:${colour}}`).join('');

/** Dark is only for screens: paper is white. */
const figureStyle = [
  '.lamina-figure{max-width:100%;height:auto}.lamina-figure a{color:inherit;text-decoration:none}',
  '.lamina-figure .lf-page{fill:#ffffff}.lamina-figure .lf-ink{color:#1f2328}',
  colourRules(lightColours),
  '@media screen and (prefers-color-scheme:dark){',
  '.lamina-figure .lf-page{fill:#161b22}.lamina-figure .lf-ink{color:#e6edf3}',
  colourRules(darkColours),
  '}',
].join('');

/** The legend: a sample and a name for each series, in as many lines as they need. */
export function legendOf(series: readonly FigureSeries[], kind: 'line' | 'bar', width: number): Panel {
  if (series.length < 2) return { markup: '', width: 0, height: 0 };
  const labels = series.map((each) => each.labels.join(' · '));
  const size = Math.ceil(34 + Math.max(...labels.map(textWidth)) * character_px + 14);
  const columns = Math.max(1, Math.min(series.length, Math.floor(width / size)));
  const parts = series.map((each, i) => {
    const sample = kind === 'line' ? lineSample(seriesStyle(each)) : barSample(seriesStyle(each));
    const at = `translate(${(i % columns) * size},${Math.floor(i / columns) * 18})`;
    return `<g transform="${at}">${sample}<text x="32" y="10">${escapeMarkup(labels[i] ?? '')}</text></g>`;
  });
  return { markup: parts.join(''), width: columns * size, height: Math.ceil(series.length / columns) * 18 - 4 };
}

function lineSample({ colour, dash, shape }: SeriesStyle): string {
  const pattern = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  const line = `<path d="M0,6H26" fill="none" stroke="currentColor" stroke-width="1.8"${pattern}/>`;
  return `<g class="${colour}">${line}<path transform="translate(13,6)" fill="currentColor" d="${shapePath(shape)}"/></g>`;
}

function barSample({ colour, dash }: SeriesStyle): string {
  const pattern = dash === '' ? '' : ` stroke="currentColor" stroke-dasharray="${dash}"`;
  const opacity = dash === '' ? '' : ' fill-opacity="0.45"';
  return `<g class="${colour}"><rect x="8" width="14" height="12" fill="currentColor"${opacity}${pattern}/></g>`;
}

function shapePath(shape: SeriesStyle['shape']): string {
  const paths = {
    circle: 'M3.4,0A3.4,3.4,0,1,1,-3.4,0A3.4,3.4,0,1,1,3.4,0Z',
    square: 'M-3,-3H3V3H-3Z',
    triangle: 'M0,-4.2L3.8,2.6H-3.8Z',
    diamond: 'M0,-4.6L3.2,0L0,4.6L-3.2,0Z',
  };
  return paths[shape];
}
