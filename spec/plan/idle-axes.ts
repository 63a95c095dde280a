// Axes that change nothing: a row for each of their values would show one number again and again.
import type { Problems } from '../../located/diagnostic.ts';
import type { Axis } from '../experiment/axes.ts';
import { type Choice, projection } from '../experiment/evaluator.ts';

/**
 * Reports the axes, of those that `suspects` names, whose values never change what a combination reads. `reads` says what
 * that is, as text: the same text for the same numbers.
 */
export function reportIdleAxes(
  axes: readonly Axis[],
  suspects: (axis: string) => boolean,
  choices: readonly Choice[],
  reads: (choice: Choice) => string,
  problems: Problems,
): void {
  const texts = choices.map(reads);
  for (const [i, { name, key }] of axes.entries()) {
    if (!suspects(name)) continue;
    const others = [...axes.keys()].filter((other) => other !== i);
    const seen = new Map<string, string>();
    let alike = 0;
    const changes = choices.some((choice, c) => {
      const rest = projection(others, choice);
      const before = seen.get(rest);
      if (before !== undefined) alike++;
      else seen.set(rest, texts[c] as string);
      return before !== undefined && before !== texts[c];
    });
    if (changes || alike === 0) continue;
    const way = 'let a stage that the cells need take what it sets, or leave the axis out';
    problems.add(key, `axis '${name}' changes nothing: its values all give the same numbers; ${way}`);
  }
}
