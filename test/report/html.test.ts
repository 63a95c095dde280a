import { createHash } from 'node:crypto';
import { parseHTML } from 'linkedom';
import { describe, expect, test } from 'vitest';
import { drawStages } from '../../report/figure/stage-graph.ts';
import { renderHtml } from '../../report/html/render.ts';
import { hostile, made, timings } from './made.ts';
import { cell, result, table2Cells } from './results.ts';

interface Node {
  textContent: string;
  id: string;
  getAttribute(name: string): string | null;
  querySelectorAll(selector: string): Iterable<Node>;
}

function open(page: string): Node {
  return (parseHTML(page) as unknown as { document: Node }).document;
}

const all = (node: Node, selector: string) => [...node.querySelectorAll(selector)];

describe('the HTML page', async () => {
  const page = await renderHtml(made);
  const document = open(page);

  test('stands by itself: nothing is loaded, the only script is the one that the policy names', () => {
    expect(page.match(/(?:src|href)="(?!#)[^"]*"/g)).toBeNull();
    expect(page).not.toMatch(/url\(|@import/);
    const scripts = all(document, 'script');
    expect(scripts).toHaveLength(1);
    const text = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? '';
    const hash = createHash('sha256').update(text).digest('base64');
    expect(page).toContain(`script-src &#39;sha256-${hash}&#39;`);
  });

  test('shows hostile labels as they are and reads none of them', () => {
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('\u0000');
    expect(page).not.toContain('<!-- ');
    const shown = hostile.replace('\u0000', '\uFFFD');
    expect(all(document, 'h1')[0]?.textContent).toBe(`A table of ${shown}`);
    expect(all(document, 'title')[0]?.textContent).toContain(shown);
    expect(all(document, 'th').some((th) => th.textContent === shown)).toBe(true);
    expect(all(document, 'svg')[0]?.getAttribute('aria-label')).toContain(shown);
  });

  test('every link leads somewhere, and no anchor is there twice', () => {
    const ids = all(document, '[id]').map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = all(document, 'a').map((a) => a.getAttribute('href') ?? a.getAttribute('xlink:href'));
    expect(targets.length).toBeGreaterThan(30);
    for (const target of targets) expect(ids).toContain(target?.slice(1));
  });

  test('a number leads to its making: digits, key, and the stages below it', () => {
    const number = all(document, '#number-4-1')[0] as Node;
    // SHARP on the first set: 2, 2.04 and 2.08
    expect(all(number, 'summary')[0]?.textContent).toBe('SHARP · Arxiv-math: 2.04 (mean of 3 runs)');
    expect(number.textContent).toContain('k'.repeat(64));
    expect(
      all(number, 'dd a')
        .slice(0, 3)
        .map((a) => a.textContent),
    ).toEqual(['ppl[type=a]', 'warm[type=a]', 'base']);
    const warm = all(document, '#node-2')[0] as Node;
    expect(warm.textContent).toContain('experiments/e.yaml:5');
    expect(warm.textContent).toContain('target=4');
    expect(all(document, '#node-3')[0]?.textContent).toContain('shared, told there');
  });

  test('marks the best of each column, the notes, the intervals and the paper', () => {
    const best = all(document, 'td.best').map((td) => td.textContent);
    // Original: 1.5, 1.53, 1.56: mean 1.53, standard deviation 0.03, 4.303 * 0.03 / sqrt(3) = 0.0745
    expect(best[0]).toBe('1.53 ± 0.07 best of the column the paper: (3)');
    expect(best).toHaveLength(3);
    const marked = all(document, 'tbody td sup').map((sup) => sup.textContent.trim().split(/\s+/));
    expect(marked).toEqual([['a', 'b'], ['a', 'b'], ['b']]);
    expect(all(document, '#note-b')[0]?.textContent).toBe('b of SHARP');
  });

  test('marks nothing as the best where all are equal, and explains no mark that is not there', async () => {
    const equal = ['original', 'sharp'].map((method) => cell({ method, data: 'dialogsum' }, 0));
    const page = await renderHtml(result(equal));
    expect(all(open(page), 'td.best')).toEqual([]);
    expect(page).not.toContain('the best of our numbers');
  });

  test('tells each claim with its verdict', () => {
    expect(all(document, '.badge').map((badge) => badge.textContent)).toEqual([
      '✗ does not hold',
      '? undecided',
      '✓ holds',
      'within noise',
    ]);
  });

  test('has headings that say what they head', () => {
    for (const table of all(document, 'table')) {
      expect(all(table, 'caption')).toHaveLength(1);
      for (const th of all(table, 'th')) expect(th.getAttribute('scope')).toMatch(/^(row|col|colgroup)$/);
    }
  });

  test('is the same for the same result', async () => {
    expect(await renderHtml(made)).toBe(page);
  });

  test('leaves out what is not known', async () => {
    const document = open(await renderHtml(result(table2Cells, { run: '' })));
    expect(all(document, 'h2').map((h2) => h2.textContent)).toEqual(['Table', 'How each number was made']);
    const empty = open(await renderHtml(result([])));
    expect(all(empty, 'h2')).toEqual([]);
  });
});

describe('the picture of the stages', () => {
  test('has one box for each stage, however many nodes it has', async () => {
    const svg = (await drawStages({ ...made, title: 'x' })) ?? '';
    const texts = [...svg.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);
    expect(texts.slice(1, 10)).toEqual([
      'base (load)',
      '1 cached',
      '1:01 · 1.5 GB',
      'warm (slw)',
      '2 units: 1 ran, 1 cached',
      '1:01 · 1.5 GB',
      'ppl (perplexity&#45;eval)',
      '1 cached',
      '1:01 · 1.5 GB',
    ]);
    expect(svg.match(/class="edge"/g)).toHaveLength(3);
  });

  test('names no time where none is known, and shows stage names as they are', async () => {
    const nodes = made.provenance?.nodes.map((node) => ({
      ...node,
      stage: node.stage === 'base' ? 'a\\N&lt;"<b>' : node.stage,
    }));
    const provenance = { params: [], units: [], nodes: nodes ?? [] };
    const svg = (await drawStages({ title: 'x', provenance, timings: null })) ?? '';
    expect(svg).toContain('a\\N&amp;lt;&quot;&lt;b&gt; (load)');
    expect(svg).not.toContain('1:01');
  });

  test('is not there when nothing is known', async () => {
    expect(await drawStages({ title: 'x', provenance: null, timings })).toBeNull();
  });
});
