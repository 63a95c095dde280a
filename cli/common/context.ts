// What every command is given: where to print, and the stages it may use.
import type { StageRegistry } from '../../contract/stage.ts';
import type { Terminal } from './terminal.ts';

/** What a program brings along; lamina itself brings its stages, a test its toys. */
export interface Setup {
  /** Loads the stages; called only by commands that need them. */
  registry(): Promise<StageRegistry>;
  /** The module that a worker process runs. */
  worker: URL;
  /** The module that a job of a batch system runs. */
  job: URL;
}

export interface Context extends Setup {
  /** The arguments as given, for commands that say how to go on. */
  argv: readonly string[];
  terminal: Terminal;
}
