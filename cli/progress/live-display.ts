// Progress as live bars on a terminal, one per running unit and a line for the whole, drawn by cli-progress.
import { MultiBar, type SingleBar } from 'cli-progress';
import type { Progress } from '../../contract/stage.ts';
import { formatDuration } from '../../util/amounts.ts';
import type { Output } from '../common/terminal.ts';
import { barLine, nameWidths, totalLine } from './bar-line.ts';
import type { ActiveUnit, ProgressDisplay } from './display.ts';

/** A unit that ends sooner gets no bar: short units would only make the screen flicker. */
const patience_ms = 200;
const clearToTheRight = '\x1b[K';
const showCursorAndWrapLines = '\x1b[?25h\x1b[?7h';

interface Running {
  unit: ActiveUnit;
  report: Progress | undefined;
  started_ms: number;
  bar: SingleBar | undefined;
}

/** Draws on `output`, which must be a live terminal. `now` gives milliseconds. */
export function createLiveDisplay(output: Output, now: () => number): ProgressDisplay {
  const start_ms = now();
  const running = new Map<string, Running>();
  const count = { finished: 0, units: 0, ran: 0 };
  const width = () => Math.max(20, (output.width() ?? 80) - 1);
  const bars = createBars();
  const add = (line: () => string) => bars.create(1, 0, { line });
  const pace = () => {
    const units = [...running.values()].map(({ report, started_ms }) => ({ report, elapsed_ms: now() - started_ms }));
    return { ...count, running: units, elapsed_ms: now() - start_ms };
  };
  const addTotal = () => add(() => totalLine(pace(), width(), output.paint));
  const names = () => nameWidths([...running.values()].flatMap(({ bar, unit }) => (bar === undefined ? [] : [unit])));
  const say = (line: string) => bars.log(`${line}${clearToTheRight}\n`);
  // a process that dies with the bars on leaves a usable terminal
  const restore = () => void process.stderr.write(showCursorAndWrapLines);
  process.once('exit', restore);
  let total = addTotal();
  const show = (entry: Running) => {
    bars.remove(total);
    entry.bar = add(() => barLine({ ...entry, elapsed_ms: now() - entry.started_ms }, names(), width(), output.paint));
    total = addTotal();
  };
  const timer = setInterval(() => {
    for (const entry of running.values())
      if (entry.bar === undefined && now() - entry.started_ms >= patience_ms) show(entry);
  }, patience_ms);
  return {
    total: (finished, units) => void Object.assign(count, { finished, units }),
    started: (unit) => void running.set(unit.id, { unit, report: undefined, started_ms: now(), bar: undefined }),
    progress(id, report) {
      const entry = running.get(id);
      if (entry !== undefined) entry.report = report;
    },
    ended(id, how) {
      const entry = running.get(id);
      if (entry === undefined) return;
      running.delete(id);
      if (how === 'done') count.ran++;
      if (entry.bar !== undefined) bars.remove(entry.bar);
      if (how !== 'failed') return;
      const text = `${entry.unit.stage} ${entry.unit.label}`.trimEnd();
      say(`${output.paint.bad('✗')} ${text}: failed after ${formatDuration(now() - entry.started_ms)}`);
    },
    say,
    stop() {
      clearInterval(timer);
      bars.update(); // prints what was said since the last redraw
      bars.stop();
      process.off('exit', restore);
    },
  };
}

function createBars(): MultiBar {
  return new MultiBar({
    stream: process.stderr,
    fps: 5,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    // the lines are cut to the terminal by us; the library would count escape codes as text
    linewrap: false,
    // a bar moves up when one above it goes, with the same text
    forceRedraw: true,
    format: (_options, _params, payload: { line(): string }) => payload.line(),
  });
}
