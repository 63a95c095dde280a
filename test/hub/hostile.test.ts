// A hub that answers what no hub should: every answer ends in one sentence, soon, and nothing is written outside the cache.
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchDataset } from '../../hub/fetch-dataset.ts';
import { listFiles } from '../../hub/listing.ts';
import { hubName, isSafePath, pinHubName } from '../../hub/name.ts';
import { matcher } from '../../hub/pattern.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { type HubSettings, hubSettings } from '../../hub/settings.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers as `answer` does, and settings that lead to it. */
async function hubThat(answer: RequestListener): Promise<HubSettings> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const home = mkdtempSync(join(tmpdir(), 'lamina-hub-'));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    rmSync(home, { recursive: true, force: true });
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { ...hubSettings({ HF_ENDPOINT: endpoint, HF_HOME: home }), retry_ms: 1, stall_ms: 600_000 };
}

const commit = 'a'.repeat(40);
const model = hubName('hf://org/m');
const dataset = pinHubName(hubName('hf://datasets/org/d/**'), commit);
const listed = (settings: HubSettings) => listFiles(pinHubName(model, commit), { settings });
const entry = (path: string) => ({ type: 'file', path, size: 1, oid: commit });

describe('an answer that is not what was asked for', () => {
  it.each([
    ['nothing', ''],
    ['null', 'null'],
    ['a number', '3'],
    ['a text', '"x"'],
    ['a list', '[]'],
    ['a page', '<html>'],
    ['deep nesting', '['.repeat(100_000)],
  ])('%s', async (_, body) => {
    const settings = await hubThat((_request, response) => response.end(body));
    await expect(resolveRevision(model, settings)).rejects.toThrow(
      "hf://org/m: expected a JSON object as the hub's answer, got something else; check HF_ENDPOINT",
    );
    if (body !== '[]') await expect(listed(settings)).rejects.toThrow("expected a JSON list as the hub's answer");
  });

  it.each([204, 205])('with status %i, which has no body', async (status) => {
    const settings = await hubThat((_, response) => response.writeHead(status).end());
    await expect(resolveRevision(model, settings)).rejects.toThrow('expected a JSON object');
  });

  it('with pages without end', async () => {
    let pages = 0;
    const settings = await hubThat((request, response) => {
      const link = `<http://${request.headers.host}/next?page=${pages++}>; rel="next"`;
      response.writeHead(200, { link }).end('[{"type":"directory","path":"d"}]');
    });
    await expect(listed(settings)).rejects.toThrow("the hub's answer has more than 400 pages");
    expect(pages).toBe(400);
  });
});

describe('a listing', () => {
  it.each([
    [[entry('train.jsonl'), entry('train.jsonl/x.jsonl')], "has 'train.jsonl/x.jsonl' inside a file, refused"],
    [[entry('x.jsonl'), entry('x.jsonl')], 'names a file twice, refused'],
    [[entry('a'.repeat(256))], 'which would lie outside the cache, refused'],
    [[{ ...entry('x'), path: [[]] }], 'names the file no text, which would lie outside the cache, refused'],
  ])('%#', async (entries, sentence) => {
    const settings = await hubThat((_, response) => response.end(JSON.stringify(entries)));
    await expect(fetchDataset(dataset, { settings })).rejects.toThrow(sentence);
    expect(readdirSync(join(settings.cache, '..'))).toEqual([]);
  });

  it('may have names as long as file systems allow', () => {
    expect(['a'.repeat(255), 'é'.repeat(128), `${'a'.repeat(255)}/b`].map(isSafePath)).toEqual([true, false, true]);
  });
});

it('bytes from another place than was asked for are not added, and the next run begins anew', async () => {
  const whole = Buffer.from('0123456789');
  const oid = createHash('sha1').update('blob 10\0').update(whole).digest('hex');
  let lies = true;
  const settings = await hubThat((request, response) => {
    if (request.url?.includes('/tree/')) return response.end(JSON.stringify([{ ...entry('x.jsonl'), size: 10, oid }]));
    if (!lies) return response.end(whole);
    if (request.headers.range !== undefined) {
      return response.writeHead(206, { 'content-range': 'bytes 0-9/10' }).end(whole);
    }
    return response.writeHead(200, { 'content-length': '10' }).write('01234', () => response.destroy());
  });
  await expect(fetchDataset(dataset, { settings })).rejects.toThrow(
    'asked for the bytes from 5 on, got others; the download was deleted',
  );
  lies = false;
  const [file] = await fetchDataset(dataset, { settings });
  expect(readFileSync(file?.path ?? '', 'utf8')).toBe('0123456789');
});

describe('a hub that never answers', () => {
  it('is given up once, not tried again and again', async () => {
    let requests = 0;
    const settings = { ...(await hubThat(() => void requests++)), stall_ms: 500 };
    await expect(resolveRevision(model, settings)).rejects.toThrow(/cannot reach '127.0.0.1:\d+': it does not answer/);
    expect(requests).toBeLessThanOrEqual(1); // on a busy machine it is given up before the hub has seen it
  });

  it('is left at once when the run is stopped', async () => {
    const stop = new AbortController();
    const settings = await hubThat(() => stop.abort(new Error('stopped')));
    await expect(resolveRevision(model, settings, stop.signal)).rejects.toThrow('stopped');
    await expect(fetchDataset(dataset, { settings, signal: stop.signal })).rejects.toThrow('stopped');
  });
});

it('a pattern takes no longer for a name that almost fits', () => {
  const path = 'a'.repeat(1000);
  expect(matcher('*a*a*a*a*a*a*a*a*a*a*a*ab')(path)).toBe(false);
  expect(matcher('**/**/**/*a*a*a*a?a')(`${path}/${path}`)).toBe(true);
});
