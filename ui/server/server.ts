// The server of the page: views by their addresses, the files of the page, events, and the one thing that can be changed.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { html } from '../../report/html/markup.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { Facts, LabelChange } from '../facts.ts';
import { Query } from '../views/address.ts';
import { exportHtml, frameHtml, partHtml } from '../views/frame.ts';
import { type Drawn, sentences } from '../views/view.ts';
import { views } from '../views/views.ts';
import { Listeners } from './events.ts';
import { type ServedFile, servedFiles } from './files.ts';
import { guardHeaders, refusalOf } from './guard.ts';

export interface UiServer {
  server: Server;
  /** Ends it with all its connections. */
  close(): Promise<void>;
}

/** Charts are drawn for at least and at most so many pixels. */
const [narrowest, widest, usual] = [280, 1500, 900];
const largestBody_bytes = 64 * 1024;

/** A server that is not yet listening. `bug` is told of what is no user's mistake. Throws UserError for a package that was not built. */
export function uiServer(facts: Facts, bug: (error: unknown) => void): UiServer {
  const files = servedFiles();
  const listeners = new Listeners((runs) => facts.stamp(runs));
  const answerer = new Answerer(facts, files, listeners, bug);
  const server = createServer((request, answer) => void answerer.answer(request, answer));
  server.on('clientError', (_error, socket) => socket.destroy());
  const close = () =>
    new Promise<void>((done) => {
      listeners.close();
      server.close(() => done());
      server.closeAllConnections();
    });
  return { server, close };
}

class Answerer {
  readonly #facts: Facts;
  readonly #files: ReadonlyMap<string, ServedFile>;
  readonly #listeners: Listeners;
  readonly #bug: (error: unknown) => void;

  constructor(
    facts: Facts,
    files: ReadonlyMap<string, ServedFile>,
    listeners: Listeners,
    bug: (error: unknown) => void,
  ) {
    this.#facts = facts;
    this.#files = files;
    this.#listeners = listeners;
    this.#bug = bug;
  }

  /** Never rejects. */
  async answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    answer.on('error', () => {}); // whoever asked is gone
    const refusal = refusalOf(request);
    if (refusal !== undefined) return send(answer, refusal.status, 'text/plain; charset=utf-8', `${refusal.message}\n`);
    const url = urlOf(request.url ?? '/');
    if (url === null) return send(answer, 400, 'text/plain; charset=utf-8', 'the address is not one\n');
    try {
      if (request.method === 'POST') await this.#change(url, request, answer);
      else await this.#show(url, request, answer);
    } catch (error) {
      this.#bug(error);
      if (!answer.headersSent)
        send(answer, 500, 'text/plain; charset=utf-8', 'this is a bug in lamina; the terminal says more\n');
      else answer.end();
    }
  }

  async #show(url: URL, request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const file = this.#files.get(url.pathname);
    if (file !== undefined) return send(answer, 200, file.type, file.bytes);
    if (url.pathname === '/events') return this.#listen(url, request, answer);
    if (url.pathname === '/export') return this.#export(url, answer);
    const query = new Query(url.searchParams);
    const { status, drawn } = await this.#draw(url.pathname, query, false);
    const title = { 'x-title': encodeURIComponent(drawn.title) };
    if (query.text('part') === '1') return send(answer, status, htmlType, partHtml(drawn), title);
    const around = { here: `${url.pathname}${url.search}`, path: url.pathname === '/' ? '/runs' : url.pathname };
    const page = frameHtml(drawn, { ...around, width: widthOf(query), project: this.#facts.project });
    send(answer, status, htmlType, page, title);
  }

  /** What a user cannot be shown is told on the page. */
  async #draw(path: string, query: Query, alone: boolean): Promise<{ status: number; drawn: Drawn }> {
    const view = views.get(path);
    const missing = (message: string): Drawn => ({
      title: 'Not there',
      body: html`<h1>Not there</h1>${sentences(message.split('\n'))}`,
      follows: null,
    });
    if (view === undefined) return { status: 404, drawn: missing(`there is no view '${path.slice(0, 100)}'`) };
    try {
      return { status: 200, drawn: await view({ facts: this.#facts, query, width: widthOf(query), alone }) };
    } catch (error) {
      if (!isUserError(error)) throw error;
      return { status: 404, drawn: missing((error as Error).message) };
    }
  }

  async #export(url: URL, answer: ServerResponse): Promise<void> {
    const here = url.searchParams.get('view') ?? '/';
    const of = urlOf(here);
    if (of === null) return send(answer, 400, 'text/plain; charset=utf-8', 'there is no such view\n');
    const { status, drawn } = await this.#draw(of.pathname, new Query(of.searchParams), true);
    const name = drawn.title.replace(/[^A-Za-z0-9@._-]+/g, '-').slice(0, 80);
    const attachment = { 'content-disposition': `attachment; filename="lamina-${name}.html"` };
    send(answer, status, htmlType, exportHtml(drawn, here, new Date()), attachment);
  }

  #listen(url: URL, request: IncomingMessage, answer: ServerResponse): void {
    if (request.method === 'HEAD') {
      send(answer, 200, 'text/event-stream', '');
      return;
    }
    answer.writeHead(200, { ...guardHeaders, 'content-type': 'text/event-stream' });
    if (!this.#listeners.add(answer, new Query(url.searchParams).all('run'))) answer.end();
  }

  async #change(url: URL, request: IncomingMessage, answer: ServerResponse): Promise<void> {
    if (url.pathname !== '/labels')
      return send(answer, 404, jsonType, JSON.stringify({ error: 'nothing can be changed there' }));
    try {
      const { run, change } = labelsIn(await bodyOf(request));
      await this.#facts.label(run, change);
      send(answer, 200, jsonType, '{}');
    } catch (error) {
      if (!isUserError(error)) throw error;
      send(answer, 400, jsonType, JSON.stringify({ error: (error as Error).message }));
    }
  }
}

const htmlType = 'text/html; charset=utf-8';
const jsonType = 'application/json';

function send(
  answer: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  more: Record<string, string> = {},
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  answer.writeHead(status, { ...guardHeaders, 'content-type': type, 'content-length': bytes.length, ...more });
  answer.end(answer.req.method === 'HEAD' ? undefined : bytes);
}

/** An address of this server; null for what is none. */
function urlOf(text: string): URL | null {
  try {
    return text.startsWith('/') ? new URL(`http://127.0.0.1${text}`) : null;
  } catch {
    return null;
  }
}

function widthOf(query: Query): number {
  return Math.min(widest, query.number('width', narrowest, usual));
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  if (request.headers['content-type'] !== jsonType) throw new UserError(`expected ${jsonType}`);
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > largestBody_bytes) throw new UserError(`the request has more than ${largestBody_bytes} bytes`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw new UserError('the request is not JSON');
  }
}

function labelsIn(value: unknown): { run: string; change: LabelChange } {
  const { run, tags = null, note = null } = isObject(value) ? value : {};
  const isTags = tags === null || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'));
  if (typeof run !== 'string' || !isTags || (note !== null && typeof note !== 'string'))
    throw new UserError("expected { run: 'NAME@RUN', tags: ['...'], note: '...' }");
  return { run, change: { tags: tags as string[] | null, note } };
}
