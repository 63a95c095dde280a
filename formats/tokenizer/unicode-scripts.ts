// The step UnicodeScripts: a text is cut where the script changes.
import type { Cut } from './split.ts';
import { scriptRuns } from './unicode-script-table.ts';

/** Spaces and what has no script go with what stands before them. */
export function scriptCut(): Cut {
  const { starts, scripts } = readRuns();
  return (text) => {
    const cuts: number[] = [];
    let [at, last] = [0, 0];
    for (const character of text) {
      const script = scriptAt(starts, scripts, character.codePointAt(0) as number);
      if (script !== 0 && last !== script) {
        if (last !== 0) cuts.push(at);
        cuts.push(at);
        last = script;
      }
      at += character.length;
    }
    return cuts.length === 0 ? [] : [...cuts, at];
  };
}

function readRuns(): { starts: number[]; scripts: number[] } {
  const runs = scriptRuns.split(' ').map((run) => run.split(':').map((part) => Number.parseInt(part, 36)));
  const starts: number[] = [];
  let at = 0;
  for (const [, length] of runs) {
    starts.push(at);
    at += length as number;
  }
  return { starts, scripts: runs.map(([script]) => script as number) };
}

function scriptAt(starts: readonly number[], scripts: readonly number[], point: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] as number) <= point) low = middle;
    else high = middle;
  }
  return scripts[low] as number;
}
