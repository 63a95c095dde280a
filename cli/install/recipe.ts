// What an installation is: what it needs, what it takes, and its steps.
import type { Installable } from '../../tensor/backend/installed-folder.ts';

export interface Recipe {
  readonly name: Installable;
  /** What is installed, in words with versions; another text is another installation. */
  readonly title: string;
  /** Programs that have to be there. */
  readonly tools: readonly Tool[];
  /** Bytes that are fetched, that stay, and that are taken at the most before the rest is removed. */
  readonly fetched_bytes: number;
  readonly kept_bytes: number;
  readonly peak_bytes: number;
  readonly steps: readonly Step[];
  /** Does what lies outside its folder; asked each time, when the folder is whole. Throws UserError. */
  readonly join?: (folder: string) => void;
}

/** A program, tried with arguments with which it does nothing, and how it is come by. */
export interface Tool {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly help: string;
}

/** A part of the work that is not done again once it is done. It may be begun again at any point. */
export interface Step {
  /** Unique in its recipe: `TensorFlow 2.21.0, from PyPI`. */
  readonly name: string;
  run(site: Site): Promise<void>;
}

/** Where a step works. */
export interface Site {
  /** What the recipe fills; it has another name until it is whole. */
  readonly folder: string;
  /** For what is fetched; removed at the end. */
  readonly fetched: string;
  /** Runs a program to its end, and gives what it wrote to standard output. Throws UserError where it fails, the abort's reason where it was stopped. */
  call(command: readonly [string, ...string[]]): Promise<string>;
}

export const npm: Tool = {
  name: 'npm',
  command: ['npm', '--version'],
  help: 'it comes with Node',
};

export const pip: Tool = {
  name: 'pip for python3',
  command: ['python3', '-m', 'pip', '--version'],
  help: "install Python 3 with pip, on Debian with 'apt-get install python3-pip'",
};

export const compiler: Tool = {
  name: 'g++',
  command: ['g++', '--version'],
  help: "install a C++ compiler, on Debian with 'apt-get install g++'",
};
