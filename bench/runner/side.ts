// What every runner that is measured has in common.
import type { Command } from '../whole-process.ts';
import type { Shape, Task } from './shapes.ts';

/** A folder in which one runner keeps one graph. */
export interface Workplace {
  /** Writes the graph down in the runner's own words, over what was there. */
  write(tasks: readonly Task[]): void;
  /** Brings all up to date without doing the work, where the runner can; undefined where its first run is its only way. */
  settle?(tasks: readonly Task[]): Promise<void>;
  commands: {
    /** Does what is not done. */
    run: Command;
    /** Says what it would do. */
    dry: Command;
  };
}

export interface Runner {
  name: string;
  version: string;
  open(folder: string, shape: Shape): Promise<Workplace>;
}
