// A small experiment on models/tiny in a folder of its own: the pipeline of SHARP with few records and few steps.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'vitest';
import { lamina } from '../cli/in-process.ts';
import { type Ended, workFolder } from '../cli/program.ts';

export const root = resolve(import.meta.dirname, '../..');
export const modelFolder = join(root, 'models/tiny');

/** The spec: what a run of it does takes seconds, and every stage of the pipeline but `share` has work. */
export const smallSpec = `experiment: small
pipeline: sharp.yaml
profiles:
  tiny:
    default: true
    params:
      model: model
      data: { generate: arxiv_math, records: 60, eval_fraction: 0.1 }
      rank: 4
      max_length: 64
    with:
      warm: { epochs: 1, batch_tokens: 256 }
      tuned: { lr: 1.0e-3, batch_size: 4, micro_batch: 4, epochs: 1, save_every: 1 }
axes:
  method:
    values:
      original: { metric: original_ppl.perplexity }
      sharp: { metric: tuned_ppl.perplexity }
table: { rows: [method], metric: perplexity, better: lower }
`;

/** A folder with the small spec, a copy of the pipeline, and a copy of the model. */
export interface Work {
  path: string;
  /** Runs lamina in the folder. */
  lamina(...args: string[]): Promise<Ended>;
  /** Puts a file there. */
  write(name: string, text: string): void;
  remove(): void;
}

/** Makes such a folder. */
export function openWork(): Work {
  const { path, remove } = workFolder();
  writeFileSync(join(path, 'small.yaml'), smallSpec);
  cpSync(join(root, 'pipelines/sharp.yaml'), join(path, 'sharp.yaml'));
  copyModel(join(path, 'model'));
  return {
    path,
    remove,
    lamina: (...args) => lamina(path, ...args),
    write: (name, text) => writeFileSync(join(path, name), text),
  };
}

/** Copies models/tiny, so that a test may break it. */
export function copyModel(to: string): void {
  mkdirSync(to);
  for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
    writeFileSync(join(to, name), readFileSync(join(modelFolder, name))); // writable, whatever the original is
  }
}

/** Skips a test and prints why, which not every reporter does. */
export function skip(context: TestContext, reason: string): never {
  console.warn(`skipped '${context.task.name}': ${reason}`);
  return context.skip(reason);
}
