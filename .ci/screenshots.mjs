// Takes the pictures of docs/ui.md: `node .ci/screenshots.mjs PROJECT [OUT]`, where PROJECT is a folder in which
// `lamina run experiments/quickstart.yaml` was run (the embedded tiny model). Needs Chromium and a built clone.
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const root = resolve(import.meta.dirname, '..');
const [project = '.', out = join(root, 'docs/screenshots')] = process.argv.slice(2);
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const server = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'ui', '--port', '0'], { cwd: project });
const url = await new Promise((done, failed) => {
  server.stdout.setEncoding('utf8').on('data', (text) => done(text.trim()));
  server.on('exit', () => failed(new Error('lamina ui did not start')));
});
const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });

/** Each picture: its name, the address, the window, light or dark, and what to do before it is taken. */
const pictures = [
  ['ui-runs', 'runs', [1100, 420], 'light'],
  ['ui-result', 'result?run=quickstart@results:tiny&number=4-1', [1100, 900], 'light'],
  ['ui-graph', 'graph?run=quickstart@1', [1100, 950], 'light'],
  ['ui-curves', 'curves?run=quickstart@1&logy=1', [1100, 1000], 'dark'],
  ['ui-layers', 'layers?run=quickstart@1', [1100, 900], 'light'],
  ['ui-store', 'store?intermediate=1', [1100, 800], 'light'],
  ['ui-why', 'why?run=quickstart@1&subject=sharp,dialogsum', [1100, 800], 'light'],
  ['ui-phone', 'curves?run=quickstart@1', [360, 740], 'dark'],
];
try {
  for (const [name, address, [width, height], colorScheme] of pictures) {
    const page = await browser.newPage({ viewport: { width, height }, colorScheme });
    await page.goto(url + address);
    await page.waitForSelector('#main:not([aria-busy]) h1');
    await page.waitForTimeout(800);
    await page.screenshot({ path: join(out, `${name}.png`) });
    await page.close();
  }
} finally {
  await browser.close();
  server.kill('SIGINT');
}
