// What runs in the browser: views are fetched and put in their place, and again when the server says that they changed.
import { watchEditor } from './editor.ts';
import { openLabels } from './labels.ts';
import { keepState } from './state.ts';

const main = document.getElementById('main') as HTMLElement;
let source: EventSource | undefined;
let coming: AbortController | undefined;
let isOld = false;

/** Goes to an address of this page. */
async function go(url: URL, push: boolean): Promise<void> {
  if (push) history.pushState(null, '', url);
  await draw(false);
}

/** Fetches what the address shows; `again`: it is there already, and what a reader has opened or typed stays. */
async function draw(again: boolean): Promise<void> {
  coming?.abort();
  const own = new AbortController();
  coming = own;
  const url = new URL(location.href);
  url.searchParams.set('part', '1');
  url.searchParams.set('width', String(widthOf()));
  main.setAttribute('aria-busy', 'true');
  try {
    const answer = await fetch(url, { signal: own.signal, headers: { accept: 'text/html' } });
    const text = await answer.text();
    if (own.signal.aborted) return;
    place(text, answer, again);
  } catch (error) {
    if (!own.signal.aborted) say(`the server does not answer: ${error instanceof Error ? error.message : error}`);
  } finally {
    if (coming === own) main.removeAttribute('aria-busy');
  }
}

function place(text: string, answer: Response, again: boolean): void {
  const title = answer.headers.get('x-title');
  if (title !== null) document.title = `${decodeURIComponent(title)} – lamina`;
  if (again && main.dataset.text === text) return;
  const restore = again ? keepState(main) : undefined;
  const parsed = new DOMParser().parseFromString(text, 'text/html');
  main.replaceChildren(...parsed.body.childNodes);
  main.dataset.text = text;
  restore?.();
  prepare();
  listen();
  if (again) return;
  const anchor = location.hash === '' ? null : document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (anchor !== null) anchor.scrollIntoView();
  else scrollTo(0, 0);
}

function prepare(): void {
  say('');
  for (const link of document.querySelectorAll<HTMLAnchorElement>('#views a')) {
    const to = new URL(link.href);
    const run = new URLSearchParams(location.search).get('run');
    if (link.dataset.run === 'yes' && run !== null) link.search = new URLSearchParams({ run }).toString();
    const isHere = to.pathname === location.pathname || (location.pathname === '/' && to.pathname === '/runs');
    if (isHere) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const save = document.getElementById('export') as HTMLAnchorElement | null;
  if (save !== null) save.href = `/export?view=${encodeURIComponent(location.pathname + location.search)}`;
  watchEditor(main);
}

/** The server is asked to say when what this view shows may have changed. */
function listen(): void {
  const follows = main.querySelector<HTMLElement>('[data-follows]')?.dataset.follows;
  const wanted = follows === undefined ? undefined : `/events?${follows}`;
  if (
    source !== undefined &&
    wanted !== undefined &&
    new URL(source.url).search === new URL(wanted, location.href).search
  )
    return;
  source?.close();
  source = wanted === undefined ? undefined : new EventSource(wanted);
  source?.addEventListener('changed', () => refresh());
}

/** Not while somebody types: what is written would be lost. */
function refresh(): void {
  const at = document.activeElement;
  const isTyping =
    at instanceof HTMLElement && main.contains(at) && at.matches('input:not([type=checkbox]),select,textarea');
  isOld = isTyping || document.hidden;
  if (!isOld) void draw(true);
}

function widthOf(): number {
  const style = getComputedStyle(main);
  return Math.round(main.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight));
}

function say(text: string): void {
  const place = document.getElementById('trouble');
  if (place !== null) place.textContent = text;
}

/** True for an address that a view of this page has. */
function isView(url: URL): boolean {
  return url.origin === location.origin && !['/export', '/events'].includes(url.pathname);
}

addEventListener('click', (event) => {
  const target = event.target instanceof Element ? event.target : null;
  const copied = target?.closest<HTMLElement>('[data-copy]');
  if (copied !== null && copied !== undefined) return void copy(copied);
  const edit = target?.closest<HTMLElement>('button.edit');
  if (edit !== null && edit !== undefined) return openLabels(edit, () => draw(true));
  // links in pictures are SVG's own
  const link = target?.closest('a[href],a[*|href]');
  const href = link?.getAttribute('href') ?? link?.getAttributeNS('http://www.w3.org/1999/xlink', 'href');
  if (
    href === null ||
    href === undefined ||
    event.button !== 0 ||
    event.ctrlKey ||
    event.metaKey ||
    event.shiftKey ||
    event.altKey
  )
    return;
  const url = new URL(href, location.href);
  if (href.startsWith('#') || !isView(url) || link?.id === 'export') return;
  event.preventDefault();
  void go(url, true);
});

addEventListener('submit', (event) => {
  const form = event.target as HTMLFormElement;
  if (form.method !== 'get') return;
  const action =
    (event as SubmitEvent).submitter?.getAttribute('formaction') ?? form.getAttribute('action') ?? location.pathname;
  const url = new URL(action, location.href);
  if (!isView(url)) return;
  event.preventDefault();
  const given = [...new FormData(form)].filter(([, value]) => value !== '');
  url.search = new URLSearchParams(given as [string, string][]).toString();
  void go(url, true);
});

addEventListener('change', (event) => {
  const form = event.target instanceof Element ? event.target.closest<HTMLFormElement>('form[data-auto]') : null;
  form?.requestSubmit();
});

addEventListener('focusout', () => {
  if (isOld) setTimeout(refresh);
});
document.addEventListener('visibilitychange', () => {
  if (isOld) refresh();
});
addEventListener('popstate', () => void draw(false));

addEventListener('keydown', (event) => {
  const at = event.target instanceof Element ? event.target : null;
  if (event.ctrlKey || event.metaKey || event.altKey || at?.closest('input,select,textarea,dialog') != null) return;
  if (event.key === '/') {
    event.preventDefault();
    main.querySelector<HTMLElement>('input[type=search],form.bar input')?.focus();
  }
  const view = /^[1-8]$/.test(event.key)
    ? document.querySelectorAll<HTMLAnchorElement>('#views a')[Number(event.key) - 1]
    : undefined;
  view?.click();
});

let resized: ReturnType<typeof setTimeout> | undefined;
let drawnWidth = Number(main.dataset.width);
addEventListener('resize', () => {
  clearTimeout(resized);
  resized = setTimeout(fitCharts, 150);
});

/** Charts are drawn for the width that there is, so that their letters stay readable. */
function fitCharts(): void {
  if (main.querySelector('[data-chart]') === null || Math.abs(widthOf() - drawnWidth) < 8) return;
  drawnWidth = widthOf();
  void draw(true);
}

async function copy(button: HTMLElement): Promise<void> {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy ?? '');
    button.textContent = 'copied';
  } catch {
    button.textContent = 'select and copy it by hand';
  }
  setTimeout(() => {
    button.textContent = before;
  }, 1500);
}

prepare();
listen();
fitCharts();
