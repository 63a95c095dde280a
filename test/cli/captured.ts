// A terminal for commands in this process: what they write is kept.
import type { Output, Terminal } from '../../cli/common/terminal.ts';
import { plainPaint } from '../../report/numbers/paint.ts';

/** The terminal, and all that was written to it so far. */
export function capturedTerminal(): { terminal: Terminal; text: { out: string; err: string } } {
  const text = { out: '', err: '' };
  const output = (name: 'out' | 'err'): Output => ({
    write: (more) => {
      text[name] += more;
    },
    live: false,
    width: () => undefined,
    paint: plainPaint,
  });
  return { terminal: { out: output('out'), err: output('err') }, text };
}
