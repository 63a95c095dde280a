// The server of the page without a browser: what each view says, what is escaped, who may ask, what can be changed.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadLabels } from '../../store/runs/run-labels.ts';
import { hostile, keyOf, madeStore, runs, type Started, startUi } from './made-store.ts';

let made: Awaited<ReturnType<typeof madeStore>>;
let ui: Started;
beforeAll(async () => {
  made = await madeStore();
  ui = await startUi(made.store);
});
afterAll(async () => {
  await ui.stop();
  made.remove();
});

/** An address of the page; what is shown has no markup that came from a file. */
async function get(path: string) {
  const answer = await fetch(ui.url + path);
  const text = await answer.text();
  const { document } = parseHTML(text);
  expect(document.querySelector('img')).toBeNull();
  expect(ui.bugs).toEqual([]);
  return { status: answer.status, headers: answer.headers, text, document, said: document.body?.textContent ?? '' };
}

/** A request whose headers are as given, which `fetch` would not send. */
function raw(
  path: string,
  headers: Record<string, string>,
  method = 'GET',
  body = '',
): Promise<{ status: number; text: string }> {
  return new Promise((done, failed) => {
    const sent = request(ui.url + path, { method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more: string) => {
        text += more;
      });
      answer.on('end', () => done({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', failed).end(body);
  });
}

const named = (run: string) => encodeURIComponent(`quickstart@${run}`);
type Page = Awaited<ReturnType<typeof get>>['document'];
const rowsOf = (document: Page) =>
  [...document.querySelectorAll('table.runs tbody th')].map((cell) => cell.textContent);

describe('the list of runs', () => {
  it('has every run, the latest first, with how it ended', async () => {
    const { document, said } = await get('/');
    expect(rowsOf(document)).toEqual([5, 4, 3, 2, 1].map((number) => `quickstart@${number}`));
    for (const word of ['running', 'damaged', 'failed: 1 stage', 'done']) expect(said).toContain(word);
  });

  it('shows the parameters that differ as columns, and what lies in a damaged file as a sentence', async () => {
    const { document, said } = await get('/runs');
    const heads = [...document.querySelectorAll('table.runs thead th')].map((cell) => cell.textContent);
    expect(heads).toContain('tuned.lr');
    expect(heads).not.toContain('warm.rank');
    expect(said).toMatch(/end\.json' is damaged/);
  });

  it('sorts numbers as numbers, either way, those without one last', async () => {
    const up = await get('/runs?sort=metric');
    expect(rowsOf(up.document).slice(0, 2)).toEqual(['quickstart@1', 'quickstart@2']);
    const down = await get('/runs?sort=-param%3Atuned.lr');
    expect(rowsOf(down.document).at(0)).toMatch(/quickstart@[34]/);
    expect(rowsOf(down.document).at(-1)).toBe('quickstart@2');
  });

  it('filters by words, parameters, status and tag', async () => {
    expect(rowsOf((await get('/runs?q=tuned.lr%3D0.001')).document)).toEqual(['quickstart@1']);
    expect(rowsOf((await get('/runs?status=failed')).document)).toEqual(['quickstart@3']);
    expect(rowsOf((await get('/runs?tag=trial')).document)).toEqual(['quickstart@2']);
    expect((await get('/runs?q=nothing-like-it')).said).toContain('No run is meant by this');
  });

  it('escapes what people wrote of a run', async () => {
    const { said, text } = await get('/runs');
    expect(said).toContain(hostile);
    expect(text).not.toContain('<img');
  });
});

describe('a result', () => {
  it('has printed and measured numbers and the verdicts', async () => {
    const { said } = await get(`/result?run=quickstart%40results%3Atiny`);
    expect(said).toContain('(801.7)');
    expect(said).toContain('holds');
    expect(said).toContain('lamina run experiments/quickstart.yaml --profile tiny');
  });

  it('leads from a number down to its data and the lines of the spec', async () => {
    const { document } = await get(`/result?run=${named(runs.first)}&number=4-2`);
    const chain = [...document.querySelectorAll('ol.chain summary strong')].map((each) => each.textContent);
    expect(chain.at(0)).toBe('tuned_ppl[data=dialogsum]');
    expect(chain).toContain('data[data=dialogsum]');
    expect(chain).toContain('base');
    expect(document.querySelector('ol.chain')?.textContent).toMatch(/pipelines\/sharp\.yaml:\d+/);
  });

  it('says of a run without numbers how it ended', async () => {
    expect((await get(`/result?run=${named(runs.failed)}`)).said).toContain('It has no numbers');
    const missing = await get('/result?run=quickstart%4099');
    expect(missing.status).toBe(404);
    expect(missing.said).toContain("there is no run '99' of 'quickstart'");
  });
});

describe('the other views', () => {
  it('compare two runs as lamina diff does', async () => {
    const { said } = await get(`/diff?run=${named(runs.first)}&run=${named(runs.second)}`);
    expect(said).toContain('tuned.lr');
    expect(said).toContain('0.001 → 1e-4');
  });

  it('never take a path for a name', async () => {
    for (const path of [
      '/diff?a=/etc/passwd&b=experiments/quickstart.yaml',
      '/result?run=../x',
      '/graph?run=results/quickstart/tiny',
    ])
      expect((await get(path)).said).toContain('names no run');
    expect((await get('/log?key=../../../etc/passwd')).said).toContain('is no cache key');
  });

  it('show the graph, a grid as one box that opens', async () => {
    const { said } = await get(`/graph?run=${named(runs.running)}`);
    expect(said).toContain('about 2:00 left');
    expect(said).toContain('2 nodes');
    expect(said).toContain('step 30/120');
    expect(said).not.toContain('warm[data=arxiv_math]');
    expect((await get(`/graph?run=${named(runs.running)}&open=warm`)).said).toContain('warm[data=arxiv_math]');
  });

  it('show the log of what failed, escaped', async () => {
    const graph = await get(`/graph?run=${named(runs.failed)}`);
    expect(graph.said).toContain(`stage 'base' ${hostile}`);
    expect((await get(`/log?key=${keyOf(99)}`)).said).toContain(hostile);
  });

  it('draw every training, by steps, tokens and time', async () => {
    for (const by of ['step', 'token', 'time']) {
      const { document, said } = await get(`/curves?run=${named(runs.first)}&by=${by}&logy=1&width=328`);
      // five pairs, each in two data sets
      expect(
        document.querySelectorAll(
          '[data-chart] path[fill="none"][stroke="currentColor"], [data-chart] g[class^="lf-c"] path',
        ).length,
      ).toBeGreaterThanOrEqual(10);
      expect(said).toContain('10 trainings');
      expect(Number(document.querySelector('[data-chart] svg')?.getAttribute('width'))).toBeLessThanOrEqual(328);
    }
  });

  it('show which pair of layers stands out', async () => {
    const { said, document } = await get(`/layers?run=${named(runs.first)}`);
    expect(said).toContain('10 → 11 stands out');
    expect(document.querySelectorAll('#editor select').length).toBe(12);
    expect(said).toContain('map: "2:3; 4:5; 6:7; 8:9; 10:11"');
  });

  it('say what the store takes and what a collection would do', async () => {
    const { said } = await get('/store?keep_last=1&intermediate=1');
    expect(said).toContain('What a collection would free');
    expect(said).toMatch(/lamina gc --keep-last 1 --intermediate --yes|Nothing: /);
  });

  it('answer why, and name the command to repeat it', async () => {
    const { said } = await get(`/why?run=${named(runs.first)}&subject=warm`);
    expect(said).toContain('waits:');
    expect(said).toContain('lamina run experiments/quickstart.yaml --profile tiny');
    expect(said).toContain('--set tuned.lr=0.001');
  });

  it('become files that stand alone', async () => {
    const views = [
      '/runs',
      `/result?run=${named(runs.first)}`,
      `/graph?run=${named(runs.first)}`,
      `/curves?run=${named(runs.first)}`,
      `/layers?run=${named(runs.first)}`,
    ];
    for (const view of views) {
      const { text, headers, document } = await get(`/export?view=${encodeURIComponent(view)}`);
      expect(headers.get('content-disposition')).toMatch(/^attachment; filename="lamina-[\w@.-]+\.html"$/);
      expect(document.querySelectorAll('script, link, form, button.edit').length).toBe(0);
      expect(text).not.toMatch(/(?:href|src)="(?!#|data:)/);
    }
  });
});

describe('who may ask', () => {
  it('is this machine by its own name alone', async () => {
    expect((await raw('/', { host: 'evil.example' })).status).toBe(403);
    expect((await raw('/', { host: '127.0.0.1.evil.example:7317' })).status).toBe(403);
    expect((await raw('/', { host: 'localhost:9999' })).status).toBe(200);
  });

  it('is no other site', async () => {
    const host = new URL(ui.url).host;
    expect((await raw('/why', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).status).toBe(403);
    const visit = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    expect((await raw('/', { host, ...visit })).status).toBe(200);
  });

  it('gets a policy without eval, and nothing of the disk', async () => {
    const { headers } = await get('/');
    expect(headers.get('content-security-policy')).toContain("script-src 'self';");
    expect(headers.get('content-security-policy')).not.toContain('unsafe-eval');
    for (const path of ['/page/../../package.json', '/page/%2e%2e/main.js', '/package.json', '/page/main.ts'])
      expect((await raw(path, { host: new URL(ui.url).host })).status).toBe(404);
  });

  it('may change tags and notes from the page itself, and nothing else', async () => {
    const { host } = new URL(ui.url);
    const json = { 'content-type': 'application/json' };
    const body = JSON.stringify({ run: `quickstart@${runs.first}`, tags: ['good'], note: 'seen' });
    expect((await raw('/labels', { host, ...json }, 'POST', body)).status).toBe(403);
    expect((await raw('/labels', { host, ...json, origin: 'http://evil.example' }, 'POST', body)).status).toBe(403);
    const own = { host, ...json, origin: ui.url };
    expect((await raw('/labels', own, 'POST', body)).status).toBe(200);
    expect(loadLabels(made.store, 'quickstart', runs.first)).toEqual({ name: null, tags: ['good'], note: 'seen' });
    expect((await get('/runs?tag=good')).said).toContain('seen');
    const wrong = await raw('/labels', own, 'POST', JSON.stringify({ run: `quickstart@${runs.first}`, tags: ['7'] }));
    expect(wrong).toEqual({ status: 400, text: expect.stringContaining("'7' cannot be the tag of a run") });
    expect((await raw('/labels', own, 'POST', 'x'.repeat(70_000))).status).toBe(400);
    expect((await raw('/runs', own, 'POST', body)).status).toBe(404);
    expect((await raw('/runs', own, 'DELETE')).status).toBe(405);
  });

  it('is told when a run changed', async () => {
    const stop = new AbortController();
    const answer = await fetch(`${ui.url}/events?run=${named(runs.second)}`, { signal: stop.signal });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    const read = async (until: string) => {
      while (!text.includes(until)) text += Buffer.from((await reader.read()).value ?? []).toString();
    };
    await read('retry');
    const body = JSON.stringify({ run: `quickstart@${runs.second}`, tags: [], note: 'changed' });
    const { host } = new URL(ui.url);
    await raw('/labels', { host, origin: ui.url, 'content-type': 'application/json' }, 'POST', body);
    await read('event: changed');
    stop.abort();
    expect(text).toContain('event: changed');
  });
});

describe('an empty store', () => {
  it('says how to begin, in every view', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lamina-ui-empty-'));
    const empty = await startUi(join(folder, 'store'));
    try {
      for (const path of ['/', '/graph', '/curves', '/layers', '/store', '/why', '/result', '/diff']) {
        const answer = await fetch(empty.url + path);
        expect([path, answer.status]).toEqual([path, 200]);
      }
      expect(await (await fetch(empty.url)).text()).toContain('lamina run lamina:quickstart');
      expect(empty.bugs).toEqual([]);
    } finally {
      await empty.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
