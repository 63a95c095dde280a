// The picture of the stages: one box for each stage of the pipeline, however large the grid, laid out by Graphviz.
import { instance, type Viz } from '@viz-js/viz';
import type { Provenance, RunResult, StageTiming } from '../../contract/result.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { frameFigure, type Panel } from './frame.ts';

/** Graphviz, which takes longer to open than to draw. */
let graphviz: Promise<Viz> | undefined;

/** A stage of the pipeline with all its nodes. */
export interface StageGroup {
  stage: string;
  use: string;
  /** Indexes of its nodes in the provenance, and of the distinct units of these. */
  nodes: readonly number[];
  units: readonly number[];
  timing: StageTiming | undefined;
}

/** The stages of a result in plan order; none when nothing is known of how it was made. */
export function stageGroups({ provenance, timings }: Pick<RunResult, 'provenance' | 'timings'>): StageGroup[] {
  const groups = new Map<string, number[]>();
  const nodes = provenance?.nodes ?? [];
  for (const [i, { stage }] of nodes.entries()) {
    const group = groups.get(stage);
    if (group === undefined) groups.set(stage, [i]);
    else group.push(i);
  }
  return [...groups].map(([stage, indexes]) => ({
    stage,
    use: nodes[indexes[0] as number]?.use ?? '',
    nodes: indexes,
    units: [...new Set(indexes.flatMap((i) => nodes[i]?.units ?? []))],
    timing: timings?.find((each) => each.stage === stage),
  }));
}

/** The picture as SVG; `link` gives the address behind the box of a stage. Null when there is nothing to draw. */
export async function drawStages(
  result: Pick<RunResult, 'provenance' | 'timings' | 'title'>,
  link?: (index: number) => string,
): Promise<string | null> {
  const groups = stageGroups(result);
  if (result.provenance === null || groups.length === 0) return null;
  const boxes = groups.map((group, i) => ({
    lines: linesOf(group),
    colour: classOf(group),
    link: link?.(i),
  }));
  const footer = result.timings === null ? '' : 'coloured: ran this time · times: of all its work';
  return drawBoxes(
    'Stages',
    `How the numbers of ${result.title} are made`,
    boxes,
    edgesOf(groups, result.provenance),
    footer,
  );
}

/** A box of a picture of stages. */
export interface GraphBox {
  lines: readonly string[];
  /** A class of colour of the figures: `lf-ink`, `lf-c0`. */
  colour: string;
  link?: string | undefined;
}

/** Boxes and the arrows between them (`[from, to]`, by index), laid out from the top to the bottom, as SVG. */
export async function drawBoxes(
  title: string,
  caption: string,
  boxes: readonly GraphBox[],
  arrows: readonly (readonly [number, number])[],
  footer: string,
): Promise<string> {
  graphviz ??= instance();
  const viz = await graphviz;
  const nodes = boxes.map(({ lines, colour, link }, i) => ({
    name: `s${i}`,
    attributes: { label: labelOf(lines), ...(link === undefined ? {} : { URL: link }), class: colour },
  }));
  const edges = arrows.map(([tail, head]) => ({ tail: `s${tail}`, head: `s${head}` }));
  const svg = viz.renderString({ nodes, edges, graphAttributes, nodeAttributes, edgeAttributes }, { format: 'svg' });
  const nothing = { markup: '', width: 0, height: 0 };
  return frameFigure(title, caption, nothing, panelOf(svg), footer);
}

const graphAttributes = { rankdir: 'TB', nodesep: 0.22, ranksep: 0.36, bgcolor: 'transparent', margin: 0, pad: 0.06 };
const nodeAttributes = { shape: 'box', style: 'rounded', fontname: 'Helvetica', fontsize: 11, margin: '0.14,0.07' };
const edgeAttributes = { arrowsize: 0.6, penwidth: 0.8 };

/** Which stages read which, each pair once. */
function edgesOf(groups: readonly StageGroup[], { nodes }: Provenance): [number, number][] {
  const groupOf = new Map(groups.flatMap((group, i) => group.nodes.map((node) => [node, i] as const)));
  const found = new Map<string, [number, number]>();
  for (const [i, { inputs }] of nodes.entries()) {
    for (const from of Object.values(inputs)) {
      const edge: [number, number] = [groupOf.get(from) as number, groupOf.get(i) as number];
      found.set(edge.join(), edge);
    }
  }
  return [...found.values()];
}

function linesOf({ stage, use, nodes, units, timing }: StageGroup): string[] {
  const lines = [stage === use ? stage : `${stage} (${use})`];
  const count = units.length === 1 ? '' : `${units.length} units`;
  const cells = nodes.length > 1 && nodes.length !== units.length ? `for ${nodes.length} cells` : '';
  if (timing === undefined) lines.push([count, cells].filter((part) => part !== '').join(' '));
  else {
    const statuses = [`${timing.ran} ran`, `${timing.cached} cached`, `${timing.missing} missing`];
    const shown = statuses.filter((part) => !part.startsWith('0 ')).join(', ');
    lines.push([count, shown].filter((part) => part !== '').join(': '));
    const peak = timing.peak_rss_bytes > 0 ? ` · ${formatBytes(timing.peak_rss_bytes)}` : '';
    lines.push(`${formatDuration(timing.duration_ms)}${peak}`);
  }
  return lines;
}

function labelOf(lines: readonly string[]): string {
  return lines
    .filter((line) => line !== '')
    .map(escapeLabel)
    .join('\\n');
}

/** Graphviz reads backslashes and HTML entities in labels. */
function escapeLabel(text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('&', '&amp;');
}

function classOf({ timing }: StageGroup): string {
  if ((timing?.missing ?? 0) > 0) return 'lf-c1';
  return (timing?.ran ?? 0) > 0 ? 'lf-c0' : 'lf-ink';
}

/** Graphviz' picture as a part of ours: no prolog, names or titles, and the colour of the text around it. */
function panelOf(svg: string): Panel {
  const [, width = '0', height = '0'] = /viewBox="[\d.-]+ [\d.-]+ ([\d.]+) ([\d.]+)"/.exec(svg) ?? [];
  const markup = svg
    .slice(svg.indexOf('<svg'))
    .replace(/<!--.*?-->\s*/gs, '')
    .replace(/<title>[^<]*<\/title>\s*/g, '')
    .replace(/(<svg width=)"[\d.]+pt" height="[\d.]+pt"/, `$1"${width}" height="${height}"`)
    .replace(/<[^>]*>/g, (tag) =>
      tag
        .replace(/ id="[^"]*"/, '')
        .replace(/ xlink:title="[^"]*"/, '')
        .replace(/"black"/g, '"currentColor"'),
    )
    .replace(/<text /g, '<text fill="currentColor" ');
  return { markup: markup.trim(), width: Number(width), height: Number(height) };
}
