// The names of runs: `17-2026-11-22T15-02-11Z`, the run's number within its experiment and its start in UTC. Numbers give the order, never clocks.

/** A name taken apart. Runs of before they were numbered are named by their time alone: `2026-11-22T15-02-11Z`, or `...Z-2` for a second one. */
interface RunName {
  /** Null for a run of before they were numbered. */
  number: number | null;
  time: string;
  /** Which of the runs of one second, of before they were numbered. */
  copy: number;
}

/** The name of run `number` that starts at `start`. */
export function runName(number: number, start: Date): string {
  return `${number}-${start.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
}

/** True for the name of a run, and for nothing else that may lie among runs. */
export function isRunName(name: string): boolean {
  return parse(name) !== undefined;
}

/** The number of a run; null for one of before they were numbered, and for what is no run. */
export function runNumber(name: string): number | null {
  return parse(name)?.number ?? null;
}

/** When a run started, by its name: `2026-11-22T15:02:11Z`. */
export function runTime(name: string): string {
  const time = parse(name)?.time ?? '';
  return time.replace(/T(..)-(..)-/, 'T$1:$2:');
}

/** Sorts names by when their runs started, the oldest first: those without a number, then by number. */
export function compareRunNames(a: string, b: string): number {
  const [one, other] = [parse(a), parse(b)];
  const byNumber = (one?.number ?? -1) - (other?.number ?? -1);
  if (byNumber !== 0) return byNumber;
  if (one?.time !== other?.time) return (one?.time ?? '') < (other?.time ?? '') ? -1 : 1;
  return (one?.copy ?? 0) - (other?.copy ?? 0);
}

/** The names that `wanted` means: a number, or the beginning of a name or of a time; the same order. */
export function runsMeant(names: readonly string[], wanted: string): string[] {
  const numbered = /^\d{1,9}$/.test(wanted) ? names.filter((name) => runNumber(name) === Number(wanted)) : [];
  if (numbered.length > 0) return numbered;
  return names.filter((name) => {
    const { number = null, time = '' } = parse(name) ?? {};
    const whole = number === null || wanted.startsWith(`${number}-`);
    return time.startsWith(wanted) || (whole && name.startsWith(wanted));
  });
}

function parse(name: string): RunName | undefined {
  const found = /^(?:(\d{1,9})-)?(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ)(?:-(\d{1,9}))?$/.exec(name);
  if (found === null) return undefined;
  const [, number, time = '', copy] = found;
  if (number !== undefined && copy !== undefined) return undefined;
  return { number: number === undefined ? null : Number(number), time, copy: Number(copy ?? 1) };
}
