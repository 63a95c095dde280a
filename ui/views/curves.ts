// The losses of slw, sft, pretrain and other trainings, live: one chart for each stage, seeds grouped, every line visible.
import { type CurveLine, drawCurves } from '../../report/figure/curves.ts';
import { html, type Markup, nothing, trusted } from '../../report/html/markup.ts';
import { formatNumber } from '../../report/numbers/number.ts';
import type { Curve } from '../facts.ts';
import type { Query } from './address.ts';
import { type Asked, choices, type Drawn, linkTo, live, runField, scrolling, sentences } from './view.ts';

const path = '/curves';
const axes = { step: 'steps', token: 'tokens', time: 'seconds' } as const;
type Axis = keyof typeof axes;

/** A chart of more lines would be one patch of colour; they are split into several. */
const mostLines = 120;

export async function curvesView(asked: Asked): Promise<Drawn> {
  const { facts, query, width, alone } = asked;
  const runs = query.all('run').flatMap((each) => each.split(/[\s,]+/).filter((name) => name !== ''));
  if (runs.length === 0)
    return { title: 'Curves', body: html`<h1>Curves</h1>${await choices(asked, path)}`, follows: [] };
  const { curves, silent, remarks } = await facts.curves(runs);
  const by: Axis = (['token', 'time'] as const).find((axis) => query.text('by') === axis) ?? 'step';
  const wanted = query.text('stage');
  const stages = [...new Set(curves.map(({ stage }) => stage))];
  const shown = stages.filter((stage) => wanted === '' || stage === wanted);
  const several = new Set(runs).size > 1;
  const charts = shown.map((stage) =>
    chartsHtml(
      stage,
      curves.filter((curve) => curve.stage === stage),
      by,
      query,
      width,
      several,
    ),
  );
  const quiet =
    silent > 0
      ? [`${silent} trainings told no losses: they were made by an earlier version, or their logs are gone`]
      : [];
  const names = alone ? [] : await facts.results();
  const body = html`${live(
    alone,
    html`<form class="bar" method="get" action="${path}" data-auto>${runField(names, runs.join(', '), 'runs')}
${axisField(by)}${box('logx', 'log ↔', query)}${box('logy', 'log ↕', query)}${stageField(stages, wanted)}<button>show</button></form>`,
  )}
<h1>Curves</h1>${sentences([...remarks, ...quiet], 'remarks')}
<div data-chart>${charts}</div>${curves.length === 0 ? html`<p>No training of ${runs.join(', ')} has told a loss.</p>` : endsHtml(curves, shown, alone)}`;
  return { title: `Curves of ${runs.join(', ')}`, body, follows: runs };
}

function axisField(by: Axis): Markup {
  const options = Object.keys(axes).map(
    (axis) => html`<option${axis === by ? html` selected` : nothing}>${axis}</option>`,
  );
  return html`<label>by <select name="by">${options}</select></label>`;
}

function stageField(stages: readonly string[], wanted: string): Markup {
  if (stages.length < 2) return nothing;
  const options = stages.map((stage) => html`<option${stage === wanted ? html` selected` : nothing}>${stage}</option>`);
  return html`<label>stage <select name="stage"><option value="">all</option>${options}</select></label>`;
}

function box(name: string, label: string, query: Query): Markup {
  return html`<label><input type="checkbox" name="${name}" value="1"${query.text(name) === '1' ? html` checked` : nothing}> ${label}</label>`;
}

function chartsHtml(
  stage: string,
  curves: readonly Curve[],
  by: Axis,
  query: Query,
  width: number,
  several: boolean,
): Markup {
  const lines = curves.map((curve) => lineOf(curve, by, several));
  const drawable = lines.filter(({ points }) => points.length > 0);
  const left = lines.length - drawable.length;
  const remark =
    left > 0 ? html`<p class="faint">${left} of ${lines.length} do not know their ${axes[by]}</p>` : nothing;
  if (drawable.length === 0) return html`<h2>${stage}</h2>${remark}`;
  const log = { log_x: query.text('logx') === '1', log_y: query.text('logy') === '1' };
  const parts = Array.from({ length: Math.ceil(drawable.length / mostLines) }, (_, i) =>
    drawable.slice(i * mostLines, (i + 1) * mostLines),
  );
  const use = curves[0]?.use ?? '';
  const charts = parts.map((part, i) => {
    const title = `${stage === use ? stage : `${stage} (${use})`}${parts.length > 1 ? ` · ${i + 1} of ${parts.length}` : ''}`;
    return html`<figure><div class="wide" tabindex="0" role="region" aria-label="curves of ${stage}">${trusted(drawCurves(part, { title, x_label: axes[by], width, ...log }))}</div></figure>`;
  });
  return html`${charts}${remark}`;
}

function lineOf({ run, group, seed, points }: Curve, by: Axis, several: boolean): CurveLine {
  const at = { step: 'step', token: 'tokens', time: 'time_ms' } as const;
  const drawn = points.flatMap((point) => {
    const x = point[at[by]];
    return x === null ? [] : [{ x: by === 'time' ? x / 1000 : x, y: point.loss }];
  });
  const short = run.replace(/@(\d+)-.*$/, '@$1');
  return { group: [several ? short : '', group].filter((part) => part !== '').join(' · '), name: seed, points: drawn };
}

/** Where each of them is: the number beside the line. */
function endsHtml(curves: readonly Curve[], stages: readonly string[], alone: boolean): Markup {
  const rows = curves
    .filter(({ stage }) => stages.includes(stage))
    .slice(0, 500)
    .map((curve) => {
      const [first, last] = [curve.points[0], curve.points.at(-1)];
      const state = curve.running ? 'running' : '';
      return html`<tr><th scope="row">${curve.stage}</th><td>${curve.unit}</td><td>${curve.cell}</td><td class="num">${last === undefined ? '' : `${last.step}/${last.total}`}</td>
<td class="num">${first === undefined ? '' : formatNumber(first.loss)}</td><td class="num">${last === undefined ? '' : formatNumber(last.loss)}</td><td>${state}</td><td>${linkTo(alone, `/graph?run=${encodeURIComponent(curve.run)}`, curve.run.replace(/@(\d+)-.*$/, '@$1'))}</td></tr>`;
    });
  const heads = ['stage', 'unit', 'cell', 'step', 'first loss', 'last loss', '', 'run'].map(
    (text, i) => html`<th scope="col"${i > 2 && i < 6 ? html` class="num"` : nothing}>${text}</th>`,
  );
  return html`<h2>Where they are</h2>${scrolling('trainings', html`<table class="small"><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table>`)}`;
}
