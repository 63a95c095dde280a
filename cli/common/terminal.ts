// Where the command line writes: standard output for results, standard error for the rest, and what they can show.
import { createColors } from 'picocolors';
import type { Paint } from '../../report/numbers/paint.ts';
import type { TextOptions } from '../../report/table/text.ts';
import { hasCode } from '../../util/errors.ts';

/** One of the two output streams, with what it can show. */
export interface Output {
  write(text: string): void;
  /** True when a person watches: a terminal that can move its cursor. */
  live: boolean;
  /** Terminal columns at this moment; undefined when it is not a terminal. */
  width(): number | undefined;
  paint: Paint;
}

/** Everything that a command may print to. */
export interface Terminal {
  out: Output;
  err: Output;
}

/** The terminal of this process. A reader that goes away (`| head`) ends the process without a word. */
export function openTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      // EIO: the terminal was closed; a run goes on to stop cleanly, without words
      if (!hasCode(error, 'EPIPE') && !hasCode(error, 'EIO')) throw error;
      if (stream === process.stdout) process.exit();
    });
  }
  return { out: openOutput(process.stdout), err: openOutput(process.stderr) };
}

/** Width and colours for the renderers of `report`. */
export function textOptions(output: Output): TextOptions {
  return { width: output.width(), paint: output.paint };
}

function openOutput(stream: NodeJS.WriteStream): Output {
  const live = stream.isTTY === true && process.env.TERM !== 'dumb';
  return {
    write: (text) => void stream.write(text),
    live,
    width: () => (stream.isTTY === true ? stream.columns || 80 : undefined),
    paint: createPaint(live && !process.env.NO_COLOR),
  };
}

function createPaint(enabled: boolean): Paint {
  const colors = createColors(enabled);
  return { strong: colors.bold, faint: colors.dim, good: colors.green, bad: colors.red, warn: colors.yellow };
}
