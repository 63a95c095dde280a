// The map of layers as a picture: each target's arrow from its reference, and how well it was fitted. Used by the server and in the browser.

/** A target that runs the reference's MLP. */
export interface MapPair {
  reference: number;
  target: number;
  /** What stands at the target: its loss. */
  label: string;
  /** The length of its bar, from 0 to 1. */
  share: number;
  /** True where it stands out from the others. */
  outlier: boolean;
}

const row = 22;
const left = 110;
const width = 340;

/** The picture, as SVG; layers count from 1, from the top. Texts are escaped. */
export function layerMapSvg(layers: number, pairs: readonly MapPair[]): string {
  const height = (layers + 1) * row;
  const byTarget = new Map(pairs.map((pair) => [pair.target, pair]));
  const arcs = pairs.map((pair) => arc(pair));
  const rows = Array.from({ length: layers }, (_, i) => layerRow(i + 1, byTarget.get(i + 1)));
  return `<svg xmlns="http://www.w3.org/2000/svg" class="layer-map" role="img" aria-label="${escapeText(describe(layers, pairs))}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8Z" fill="context-stroke"/></marker></defs>
${arcs.join('')}${rows.join('')}</svg>`;
}

function yOf(layer: number): number {
  return layer * row;
}

function arc({ reference, target, outlier }: MapPair): string {
  const [from, to] = [yOf(reference), yOf(target)];
  const bulge = Math.min(left - 30, 18 + 7 * Math.abs(target - reference));
  const colour = outlier ? 'bad' : 'link';
  return `<path class="arc ${colour}" d="M${left - 16},${from}C${left - 16 - bulge},${from} ${left - 16 - bulge},${to} ${left - 15},${to}" fill="none" marker-end="url(#head)"><title>${reference} → ${target}</title></path>`;
}

function layerRow(layer: number, pair: MapPair | undefined): string {
  const y = yOf(layer);
  const kind = pair === undefined ? 'stored' : 'target';
  const name = `<rect class="layer ${kind}" x="${left - 14}" y="${y - 9}" width="34" height="18" rx="5"/><text x="${left + 3}" y="${y + 4}" text-anchor="middle">${layer}</text>`;
  if (pair === undefined) return name;
  const bar = Math.max(0, Math.min(1, pair.share)) * 110;
  const tone = pair.outlier ? 'bar bad' : 'bar';
  const mark = pair.outlier ? ' ⚠' : '';
  return `${name}<rect class="${tone}" x="${left + 28}" y="${y - 6}" width="${bar.toFixed(1)}" height="12"/><text x="${left + 34 + bar}" y="${y + 4}">${escapeText(pair.label)}${mark}</text>`;
}

function describe(layers: number, pairs: readonly MapPair[]): string {
  const told = pairs.map(
    ({ reference, target, outlier }) => `${reference} to ${target}${outlier ? ' (stands out)' : ''}`,
  );
  return `${layers} layers; ${pairs.length === 0 ? 'all store their MLP' : told.join(', ')}`;
}

/** `3:4; 5:6,7`: as parameters take it. */
export function mapText(pairs: readonly Pick<MapPair, 'reference' | 'target'>[]): string {
  const groups = new Map<number, number[]>();
  for (const { reference, target } of pairs) groups.set(reference, [...(groups.get(reference) ?? []), target]);
  return [...groups]
    .sort((a, b) => a[0] - b[0])
    .map(([reference, targets]) => `${reference}:${targets.sort((a, b) => a - b).join(',')}`)
    .join('; ');
}

/** What stands in a spec. */
export function mapYaml(pairs: readonly Pick<MapPair, 'reference' | 'target'>[]): string {
  return `map: "${mapText(pairs)}"\n`;
}

/** Why `share` and `slw` would refuse a map, in a sentence; undefined where they take it. */
export function mapFault(pairs: readonly Pick<MapPair, 'reference' | 'target'>[], layers: number): string | undefined {
  if (pairs.length === 0) return 'no layer uses the MLP of another';
  const references = new Map(pairs.map(({ reference, target }) => [target, reference]));
  for (const [target, reference] of references) {
    if (references.has(reference))
      return `layer ${target} uses layer ${reference}, which has no MLP of its own: choose a layer that stores one`;
    if (target === layers) return `layer ${target} is the last: it keeps its own MLP`;
    for (let between = reference + 1; between < target; between++) {
      if (references.get(between) !== reference)
        return `layer ${target} uses layer ${reference}, and layer ${between} between them does not: targets follow their reference without a gap`;
    }
  }
  return undefined;
}

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
