// The page in a real Chromium: every view on narrow and wide screens, light and dark, by the mouse and by the keyboard alone.
import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layoutOf } from '../../store/layout.ts';
import { loadLabels } from '../../store/runs/run-labels.ts';
import { keepLive, loadLive } from '../../store/runs/run-live.ts';
import { keepEnd } from '../../store/runs/run-record.ts';
import { TraceWriter, traceOf } from '../../store/traces.ts';
import { keyOf, madeStore, runs, type Started, startUi } from './made-store.ts';

const program = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
);
if (program === undefined) console.log('skipped: no Chromium was found (CHROMIUM names one)');

const views = (run: string) => [
  '/runs',
  `/result?run=${run}&number=4-1`,
  `/diff?a=${run}&b=quickstart@${runs.second}`,
  `/graph?run=quickstart@${runs.running}&open=warm`,
  `/curves?run=${run}`,
  `/layers?run=${run}`,
  '/store',
  `/why?run=${run}`,
];

describe.skipIf(program === undefined)('the page in a browser', () => {
  let made: Awaited<ReturnType<typeof madeStore>>;
  let ui: Started;
  let browser: Browser;
  /** What the browser complained of: scripts that fail, and what the policy forbids. */
  const complaints: string[] = [];
  beforeAll(async () => {
    made = await madeStore();
    ui = await startUi(made.store);
    browser = await chromium.launch({ executablePath: program as string, args: ['--no-sandbox'], timeout: 0 });
  });
  afterAll(async () => {
    await browser?.close();
    await ui?.stop();
    made?.remove();
  });

  async function newPage(options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await browser.newPage(options);
    page.setDefaultTimeout(0);
    const at = () => page.url().slice(ui.url.length);
    page.on('pageerror', (error) => complaints.push(`${at()}: ${error.message}`));
    page.on('console', (message) => {
      // what the server refuses to keep is told to the reader
      if (message.type() === 'error' && !message.text().includes('status of 400'))
        complaints.push(`${at()}: ${message.text()}`);
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(ui.url) && !request.url().startsWith('data:'))
        complaints.push(`asked ${request.url()}`);
    });
    return page;
  }

  async function go(page: Page, path: string): Promise<void> {
    await page.goto(ui.url + path);
    await page.waitForSelector('#main:not([aria-busy]) h1');
  }

  async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}): Promise<Page> {
    const page = await newPage(options);
    await go(page, path);
    return page;
  }

  const first = `quickstart@${runs.first}`;

  /** Waits for what the page says of itself. Asked from outside each time: the page's own policy forbids scripts made of text. */
  async function until(page: Page, expression: string): Promise<void> {
    while (!(await page.evaluate(expression))) await setTimeout(20);
  }

  it.each([360, 768, 1600])(
    'fits %i pixels: tables and charts scroll inside their frames, never the page',
    async (width) => {
      const page = await newPage({ viewport: { width, height: 800 } });
      for (const [i, path] of views(first).entries()) {
        await page.emulateMedia({ colorScheme: i % 2 === 0 ? 'light' : 'dark' });
        await go(page, path);
        await until(page, "document.querySelector('#main')?.getAttribute('aria-busy') === null");
        const over = await page.evaluate<number>(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect([path, width, over <= 0]).toEqual([path, width, true]);
        expect(await page.title()).not.toBe('caught');
      }
      await page.close();
      expect(complaints).toEqual([]);
    },
  );

  it('draws charts for the width of a phone, with letters of ten pixels and more', async () => {
    const page = await open(`/curves?run=${first}`, { viewport: { width: 360, height: 800 } });
    await until(page, "(document.querySelector('[data-chart] svg')?.getBoundingClientRect().width ?? 999) <= 340");
    const sizes = await page.evaluate<
      number[]
    >(`[...document.querySelectorAll('[data-chart] svg svg text')].map((text) => {
      const svg = text.closest('svg.lamina-figure');
      return parseFloat(getComputedStyle(text).fontSize) * (svg.getBoundingClientRect().width / svg.viewBox.baseVal.width);
    })`);
    expect(sizes.length).toBeGreaterThan(5);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(9.9);
    await page.close();
  });

  it('is dark where the reader wants it, with text that can be read', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await open('/runs', { colorScheme });
      const [ink, paper] = await page.evaluate<string[]>(
        '[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]',
      );
      expect(contrast(ink as string, paper as string)).toBeGreaterThan(7);
      await page.close();
    }
  });

  it('goes through its views by links, and back, with the address following', async () => {
    const page = await open('/runs');
    await page.click('table.runs th >> text=quickstart@1');
    await page.waitForSelector('h1 >> text=SHARP in miniature');
    expect(new URL(page.url()).pathname).toBe('/result');
    await page.click('table td a >> nth=0');
    await page.waitForSelector('ol.chain');
    expect(page.url()).toContain('number=1-1');
    await page.goBack();
    await page.goBack();
    await page.waitForSelector('table.runs');
    expect(new URL(page.url()).pathname).toBe('/runs');
    await page.close();
  });

  it('keeps sort and filter in the address', async () => {
    const page = await open('/runs');
    await page.selectOption('select[name=status]', 'done');
    await until(page, "document.querySelectorAll('table.runs tbody tr').length === 2");
    expect(page.url()).toContain('status=done');
    await page.click('thead th >> text=perplexity');
    await until(page, "document.querySelector('th[aria-sort=ascending]') !== null");
    await page.reload();
    await until(page, "document.querySelectorAll('table.runs tbody tr').length === 2");
    expect(page.url()).toContain('sort=metric');
    await page.close();
  });

  it('can be used by the keyboard alone', async () => {
    const page = await open('/runs');
    await page.keyboard.press('/');
    expect(await page.evaluate("document.activeElement?.getAttribute('name')")).toBe('q');
    await page.keyboard.type('trial');
    await page.keyboard.press('Enter');
    await until(page, "document.querySelectorAll('table.runs tbody tr').length === 1");
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab');
      if ((await page.evaluate('document.activeElement?.textContent')) === 'quickstart@2') break;
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector('h1 >> text=SHARP in miniature');
    await page.focus('#main');
    await page.keyboard.press('7');
    await page.waitForSelector('h1 >> text=Store');
    await page.close();
  });

  it('compares the two runs that were chosen', async () => {
    const page = await open('/runs');
    await page.check(`input[value="quickstart@${runs.first}"]`);
    await page.check(`input[value="quickstart@${runs.second}"]`);
    await page.click('text=compare two');
    await page.waitForSelector('h2 >> text=Spec');
    expect(await page.textContent('#main')).toContain('tuned.lr');
    await page.close();
  });

  it('writes tags and a note, and says what cannot be one', async () => {
    const page = await open('/runs?q=quickstart@1');
    await page.click('button.edit');
    await page.fill('dialog [name=tags]', '7');
    await page.click('dialog button[value=save]');
    await page.waitForSelector("dialog [role=alert] >> text='7' cannot be the tag");
    await page.fill('dialog [name=tags]', 'mine #best');
    await page.fill('dialog [name=note]', 'the one');
    await page.click('dialog button[value=save]');
    await page.waitForSelector('table.runs >> text=the one');
    expect(loadLabels(made.store, 'quickstart', runs.first)).toEqual({
      name: null,
      tags: ['mine', 'best'],
      note: 'the one',
    });
    await page.close();
  });

  it('edits a map of layers, says what is wrong with it, and copies it as YAML', async () => {
    const page = await open(`/layers?run=${first}`);
    await page.selectOption('select[data-layer="12"]', '11');
    await page.waitForSelector('[data-fault] >> text=layer 12 uses layer 11, which has no MLP of its own');
    await page.selectOption('select[data-layer="12"]', '');
    await page.selectOption('select[data-layer="3"]', '');
    await page.waitForSelector('[data-yaml] >> text=map: "4:5; 6:7; 8:9; 10:11"');
    expect(await page.locator('[data-map] path.arc').count()).toBe(4);
    expect(await page.getAttribute('#editor button[data-copy]', 'data-copy')).toBe('map: "4:5; 6:7; 8:9; 10:11"\n');
    await page.close();
  });

  it('follows what happens: a curve that grows, a run that ends', async () => {
    const curves = await open(`/curves?run=quickstart@${runs.running}`);
    expect(await curves.textContent('#main')).not.toContain('30/30');
    const graph = await open(`/graph?run=quickstart@${runs.running}`);
    expect(await graph.textContent('#state')).toContain('running');
    const trace = new TraceWriter(traceOf(layoutOf(made.store), keyOf(70), 'attempt'));
    for (let step = 1; step <= 30; step++) trace.add({ step, total: 30, time_ms: step, loss: 1 / step, tokens: step });
    const live = loadLive(made.store, 'quickstart', runs.running);
    if (live === undefined) throw new Error('the run has no state');
    const nodes = live.nodes.map((node) =>
      node.node === 'warm[data=dialogsum]' ? { ...node, keys: { '2→3': keyOf(70) } } : node,
    );
    await keepLive(made.store, 'quickstart', runs.running, { ...live, nodes });
    await curves.waitForSelector('td >> text=30/30');
    const counts = { finished: 34, units: 34, cells: 8, measured: 8, claims: { hold: 6, fail: 0, undecided: 0 } };
    const end = {
      status: 'stopped',
      ended: '2026-11-05T11:00:00Z',
      duration_ms: 1,
      failures: [],
      troubles: [],
    } as const;
    keepEnd(made.store, 'quickstart', runs.running, { ...counts, ...end });
    await graph.waitForSelector('#state >> text=stopped');
    await curves.close();
    await graph.close();
    expect(complaints).toEqual([]);
  });
});

/** The contrast of two colours (WCAG). */
function contrast(a: string, b: string): number {
  const luminance = (colour: string) => {
    const parts = (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map((part) => Number(part) / 255);
    const linear = parts.map((share) => (share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4));
    return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
  };
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}
