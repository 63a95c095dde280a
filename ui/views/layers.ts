// The layers of a run's model: how alike they are, which run another's MLP, how well each was fitted; a map to change and to copy.
import type { PlanFigure } from '../../contract/plan.ts';
import type { FigureData } from '../../report/figure/data.ts';
import { frameFigure } from '../../report/figure/frame.ts';
import { drawHeatmap } from '../../report/figure/heatmap.ts';
import { html, type Markup, nothing, trusted } from '../../report/html/markup.ts';
import { formatNumber } from '../../report/numbers/number.ts';
import type { LayerFacts, LayerMap, LayerPair } from '../facts.ts';
import { layerMapSvg, type MapPair, mapYaml } from '../page/layer-map.ts';
import { elsewhere } from './result.ts';
import { type Asked, choices, chooser, type Drawn, live, scrolling, sentences } from './view.ts';

const path = '/layers';

export async function layersView(asked: Asked): Promise<Drawn> {
  const { facts, query, alone } = asked;
  const run = query.text('run');
  if (run === '') return { title: 'Layers', body: html`<h1>Layers</h1>${await choices(asked, path)}`, follows: [] };
  const found = await facts.layers(run);
  const body = html`${await chooser(asked, path, found.name)}<h1>Layers of ${found.name}</h1>${elsewhere(found.name, alone)}
${sentences(found.remarks, 'remarks')}
${found.scores.map(similarityHtml)}
${found.maps.length === 0 && found.scores.length === 0 ? html`<p>No stage of this run tells of layers: <code>share</code>, <code>slw</code> and <code>layer-similarity</code> do.</p>` : nothing}
<div class="maps">${found.maps.map((map) => mapHtml(map, found))}</div>
${found.layers > 0 ? live(alone, editorHtml(found)) : nothing}`;
  return { title: `Layers of ${found.name}`, body, follows: [found.name] };
}

/** Deeper models have no room for a number in each cell, and none for more cells than this. */
const mostCells = 128;

function similarityHtml({ title, angular, block_influence }: LayerFacts['scores'][number]): Markup {
  const count = Math.min(mostCells, angular.length);
  const ticks = (label: (at: number) => string) =>
    Array.from({ length: count }, (_, i) => ({ name: label(i), label: label(i) }));
  const points = angular
    .slice(0, count)
    .flatMap((row, n) =>
      row
        .slice(0, count)
        .flatMap((distance, l) =>
          Number.isFinite(distance)
            ? [{ x: l, y: n, series: 0, value: 1 - distance, half_width: null, paper: null }]
            : [],
        ),
    );
  const figure: PlanFigure = {
    ...{ name: 'similarity', title: `Similarity · ${title}`, kind: 'heatmap', x: 'layer', y: 'later', series: [] },
    ...{ where: {}, scale: 'linear', x_label: 'layer', y_label: 'layers later' },
    caption: 'the stream before a layer, and some layers later',
  };
  const data: FigureData = {
    xs: ticks((i) => `${i + 1}`),
    ys: ticks((i) => `${i + 1}`),
    series: [{ labels: [''], first: 0, rest: 0 }],
    points,
  };
  if (points.length === 0) return nothing;
  const { legend, body } = drawHeatmap(figure, data, 'similarity');
  const footer = '1 - angular distance on the last token: near 1 where the layers between do little';
  const least = Math.min(...block_influence.filter((score) => Number.isFinite(score)));
  const most = block_influence.indexOf(least);
  const remark =
    most < 0
      ? nothing
      : html`<figcaption>Layer ${most + 1} changes what passes through it the least: block influence ${formatNumber(least)}.</figcaption>`;
  return html`<figure><div class="wide" tabindex="0" role="region" aria-label="similarity of layers">${trusted(frameFigure(figure.title, figure.caption, legend, body, footer))}</div>${remark}</figure>`;
}

function mapHtml({ title, map, pairs }: LayerMap, { layers }: LayerFacts): Markup {
  const drawn = drawnPairs(pairs);
  const odd = drawn.filter(({ outlier }) => outlier).map(({ reference, target }) => `${reference} → ${target}`);
  const remark =
    odd.length === 0
      ? nothing
      : html`<p class="bad">${odd.join(', ')} ${odd.length === 1 ? 'stands' : 'stand'} out: fitted much worse than the others</p>`;
  const rows = pairs
    .filter(({ loss }) => loss !== null)
    .map(
      ({ reference, target, loss, first_loss }) =>
        html`<tr><th scope="row">${reference} → ${target}</th><td class="num">${numberText(first_loss)}</td><td class="num">${numberText(loss)}</td></tr>`,
    );
  const table =
    rows.length === 0
      ? nothing
      : html`<details><summary>losses</summary>${scrolling(`losses of ${title}`, html`<table class="small"><thead><tr><th scope="col">pair</th><th scope="col" class="num">at the start</th><th scope="col" class="num">at the end</th></tr></thead><tbody>${rows}</tbody></table>`)}</details>`;
  return html`<section class="card"><h2>${title}</h2><p class="faint"><code>${map}</code></p>${trusted(layerMapSvg(layers, drawn))}${remark}${table}</section>`;
}

function numberText(value: number | null): string {
  return value === null ? '' : formatNumber(value);
}

/** One that is three robust deviations above the median of its map, and half as much again as it, stands out; of fewer than four none does. */
function drawnPairs(pairs: readonly LayerPair[]): MapPair[] {
  const losses = pairs.flatMap(({ loss }) => (loss === null ? [] : [loss]));
  const most = Math.max(0, ...losses);
  const middle = median(losses);
  const spread = 1.4826 * median(losses.map((loss) => Math.abs(loss - middle)));
  const isOdd = (loss: number) => losses.length >= 4 && loss > middle + 3 * spread && loss > 1.5 * middle;
  return pairs.map(({ reference, target, loss }) => {
    const fit =
      loss === null
        ? { label: '', share: 0, outlier: false }
        : { label: formatNumber(loss), share: most > 0 ? loss / most : 0, outlier: isOdd(loss) };
    return { reference, target, ...fit };
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = sorted.length >> 1;
  return sorted.length === 0
    ? 0
    : sorted.length % 2 === 1
      ? (sorted[at] as number)
      : ((sorted[at - 1] as number) + (sorted[at] as number)) / 2;
}

/** Deeper models are written by hand. */
const mostEdited = 128;

/** A field for each layer; the picture and the YAML follow in the browser. */
function editorHtml({ layers, maps }: LayerFacts): Markup {
  if (layers > mostEdited) return nothing;
  const pairs = maps[0]?.pairs ?? [];
  const of = new Map(pairs.map(({ reference, target }) => [target, reference]));
  const fields = Array.from({ length: layers }, (_, i) => {
    const layer = i + 1;
    const options = Array.from({ length: layers }, (_, j) => j + 1)
      .filter((each) => each < layer)
      .map(
        (each) =>
          html`<option value="${each}"${of.get(layer) === each ? html` selected` : nothing}>layer ${each}</option>`,
      );
    return html`<label>${layer} <select name="layer" data-layer="${layer}"><option value="">its own</option>${options}</select></label>`;
  });
  const yaml = mapYaml(pairs);
  return html`<section class="card" id="editor" data-layers="${layers}"><h2>A map by hand</h2>
<p class="faint">Which MLP each layer runs. Copy the line into <code>with:</code> of <code>share</code> or <code>slw</code>.</p>
<div class="boxes">${fields}</div><div data-map>${trusted(
    layerMapSvg(
      layers,
      pairs.map((pair) => ({ ...pair, label: '', share: 0, outlier: false })),
    ),
  )}</div>
<p class="bad" role="alert" data-fault></p>
<div class="command"><code data-yaml>${yaml.trimEnd()}</code><button type="button" data-copy="${yaml}">copy</button></div></section>`;
}
