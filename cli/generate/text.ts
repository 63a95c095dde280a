// What `lamina generate` prints: answers that come side by side, one after the other, and how long they took.
import type { GenerationRequest } from '../../model/generate/generate.ts';
import type { Generation } from '../../model/generate/open-text.ts';
import { countOf } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';

/** Answers on their way to the screen. */
export interface Answers {
  /** A part of answer `index` has come. */
  add(index: number, part: string): void;
  /** Answer `index` is whole. */
  end(index: number): void;
  /** Ends the line that was begun. */
  close(): void;
}

/** Prints the answers in the order of their prompts: the first that is not whole as it comes, later ones when it is their turn. */
export function createAnswers(prompts: readonly string[], { write, paint }: Output): Answers {
  const texts = prompts.map(() => ({ text: '', whole: false }));
  let [front, begun] = [0, false];
  const begin = () => {
    if (!begun && prompts.length > 1)
      write(`${front > 0 ? '\n' : ''}${paint.faint(`> ${firstLine(prompts[front] as string)}`)}\n`);
    begun = true;
  };
  const advance = () => {
    for (let at = texts[front]; at !== undefined; at = texts[front]) {
      if (at.text !== '' || at.whole) begin();
      write(at.text);
      at.text = '';
      if (!at.whole) return;
      write('\n');
      [front, begun] = [front + 1, false];
    }
  };
  return {
    add(index, part) {
      (texts[index] as { text: string }).text += part;
      if (index === front) advance();
    },
    end(index) {
      (texts[index] as { whole: boolean }).whole = true;
      if (index === front) advance();
    },
    close() {
      if (begun) write('\n');
    },
  };
}

/** Measures reading and making by the time between two reports. */
export interface Meter {
  start(): void;
  observe(phase: 'prefill' | 'decode', tokens: number): void;
  /**
   * `made` tokens are in the answers (default: those of all steps): a prompt's last token gives the first of them, a step may give an end token.
   * `21 tokens read in 0.05 s (420/s) · 30 made in 0.2 s (150/s) · ended by itself`.
   */
  text(reasons: readonly (Generation['finish'] | 'stopped')[], made?: number): string;
  readonly totals: Readonly<Record<'prefill' | 'decode', { tokens: number; ms: number }>>;
}

const reasonTexts = {
  end: 'ended by itself',
  stop: 'ended at a stop',
  length: 'cut at its length',
  stopped: 'stopped',
} as const;

/** A meter by the clock `now`, in ms. */
export function createMeter(now: () => number): Meter {
  const totals = { prefill: { tokens: 0, ms: 0 }, decode: { tokens: 0, ms: 0 } };
  let last = now();
  return {
    totals,
    start() {
      last = now();
    },
    observe(phase, tokens) {
      const time = now();
      totals[phase].tokens += tokens;
      totals[phase].ms += time - last;
      last = time;
    },
    text(reasons, made = totals.decode.tokens) {
      const { prefill, decode } = totals;
      const counts = Object.entries(reasonTexts).flatMap(([reason, text]) => {
        const count = reasons.filter((each) => each === reason).length;
        return count === 0 ? [] : reasons.length === 1 ? text : `${count} ${text}`;
      });
      return [
        `${countOf(prefill.tokens, 'token')} read${rateText(prefill)}`,
        `${made} made${rateText(decode)}`,
        counts.join(', '),
      ].join(' · ');
    },
  };
}

/** The stable JSON of `--json`. */
export function generationJson(
  model: string,
  prompts: readonly string[],
  requests: readonly GenerationRequest[],
  done: readonly Generation[],
  { totals }: Meter,
): string {
  const answers = done.map(({ text, finish, ids }, i) => ({
    prompt: prompts[i],
    text,
    finish,
    prompt_tokens: requests[i]?.ids.length,
    tokens: ids.length,
  }));
  const timings = { prefill_ms: totals.prefill.ms, decode_ms: totals.decode.ms };
  return `${JSON.stringify({ model, answers, timings }, undefined, 1)}\n`;
}

function rateText({ tokens, ms }: { tokens: number; ms: number }): string {
  if (tokens === 0 || ms === 0) return '';
  const rate = (1000 * tokens) / ms;
  return ` in ${(ms / 1000).toPrecision(2)} s (${rate >= 100 ? Math.round(rate) : rate.toPrecision(2)}/s)`;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] as string;
}
