// Takes the pictures of docs/own-folder.md: `node .ci/first-contact.mjs [OUT]` makes a folder with `lamina init`, runs its spec in a terminal of
// 100 columns, and opens the page. Needs Chromium, util-linux's `script`, and a built clone.
// biome-ignore-all lint/suspicious/noControlCharactersInRegex: what a terminal is told begins with one
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const root = resolve(import.meta.dirname, '..');
const [out = join(root, 'docs/screenshots')] = process.argv.slice(2);
const program = join(root, 'dist/cli/main.js');
const [columns, rows] = [100, 34];
const colours = { 31: '#cf222e', 32: '#1a7f37', 33: '#9a6700', 36: '#1b7c83' };

const place = mkdtempSync(join(tmpdir(), 'lamina-first-'));
const folder = join(place, 'mine');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  await picture('first-init', [['lamina init mine', inTerminal(place, 'init', 'mine')]]);
  const run = inTerminal(folder, 'run', 'experiments/first.yaml');
  const command = 'lamina run experiments/first.yaml';
  await picture('first-running', [[command, run.slice(0, half(run))]]);
  await picture('first-run', [[command, run]]);
  await page();
} finally {
  await browser.close();
  rmSync(place, { recursive: true });
}

/** What lamina writes to a terminal. */
function inTerminal(cwd, ...args) {
  const log = join(place, 'log');
  const line = `stty cols ${columns} rows ${rows}; exec ${process.execPath} ${program} ${args.join(' ')}`;
  spawnSync('script', ['-qec', `bash -c '${line}'`, log], { cwd, stdio: 'ignore' });
  return readFileSync(log, 'utf8')
    .replace(/^Script started[^\n]*\n/, '')
    .replace(/\nScript done[^\n]*\n$/, '');
}

/** The end of a whole redrawing, half-way through. */
function half(text) {
  const done = /\u001b\[2m {2}(\d+) of (\d+)[^\u001b]*\u001b\[22m\u001b\[0K/g;
  for (const { 0: all, 1: made, 2: total, index } of text.matchAll(done)) {
    if (Number(made) * 2 >= Number(total)) return index + all.length;
  }
  return text.length;
}

/** The lines that a terminal shows after `text`: of each character its colour and weight. */
function screenOf(text) {
  const lines = [];
  let [x, y, style] = [0, 0, ''];
  const lineAt = (number) => {
    while (lines.length <= number) lines.push([]);
    return lines[number];
  };
  const cut = () => lineAt(y).splice(x);
  for (const [, csi, code, other] of text.matchAll(/\u001b\[\??([\d;]*)([A-Za-z])|([\s\S])/g)) {
    const n = Number(csi || 1);
    if (code === 'A') y = Math.max(0, y - n);
    else if (code === 'B') y += n;
    else if (code === 'G') x = n - 1;
    else if (code === 'K') cut();
    else if (code === 'J') {
      cut();
      lines.length = y + 1;
    } else if (code === 'm') style = styled(style, Number(csi || 0));
    else if (other === '\r') x = 0;
    else if (other === '\n') y++;
    else if (other !== undefined) {
      const line = lineAt(y);
      while (line.length < x) line.push([' ', '']);
      line[x++] = [other, style];
    }
  }
  return lines;
}

function styled(style, code) {
  if (code === 1) return 'font-weight:bold';
  if (code === 2) return 'color:#6e7781';
  return colours[code] === undefined
    ? code === 0 || code === 22 || code === 39
      ? ''
      : style
    : `color:${colours[code]}`;
}

async function picture(name, parts) {
  const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const html = parts.map(([command, text]) => {
    const lines = screenOf(text).map((line) =>
      line.map(([c, style]) => (style ? `<span style="${style}">${escaped(c)}</span>` : escaped(c))).join(''),
    );
    return `<b>$ ${escaped(command)}</b>\n${lines.join('\n')}`;
  });
  const shown = await browser.newPage({ viewport: { width: 900, height: 100 }, deviceScaleFactor: 1.5 });
  await shown.setContent(
    `<pre style="margin:16px;font:13px/1.35 'DejaVu Sans Mono',monospace;color:#1f2328">${html.join('\n')}</pre>`,
  );
  await shown.screenshot({ path: join(out, `${name}.png`), fullPage: true });
  await shown.close();
}

async function page() {
  const server = spawn(process.execPath, [program, 'ui', '--port', '0'], { cwd: folder });
  try {
    const url = await new Promise((done, failed) => {
      server.stdout.setEncoding('utf8').on('data', (text) => done(text.trim()));
      server.on('exit', () => failed(new Error('lamina ui did not start')));
    });
    const shown = await browser.newPage({ viewport: { width: 1100, height: 640 } });
    await shown.goto(`${url}result?run=first@1`);
    await shown.waitForSelector('#main:not([aria-busy]) h1');
    await shown.screenshot({ path: join(out, 'first-ui.png') });
  } finally {
    server.kill('SIGINT');
  }
}
