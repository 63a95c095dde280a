// Spec files for a test, in a folder of their own, and what checking or planning them says.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import type { Numerics } from '../../contract/stage.ts';
import type { Diagnostic } from '../../located/diagnostic.ts';
import { SpecErrors } from '../../located/diagnostic.ts';
import type { SpecRequest } from '../../spec/experiment/request.ts';
import { checkSpec, loadPlan } from '../../spec/plan/resolve.ts';
import { registry } from './registry.ts';

export const numerics: Numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 };

export const pipeline = `pipeline: sharp
params:
  model: { type: string, format: path }
  type: { type: string, default: T_next }
  rank: { type: integer, minimum: 1, default: 400 }
stages:
  base: { use: load, with: { path: "\${model}" } }
  data: { use: dataset, with: { generate: arith } }
  acts: { use: capture-activations, in: { model: base, data: data.train }, with: { fraction: 0.1 } }
  warm: { use: slw, in: { model: base, activations: acts }, with: { type: "\${type}", rank: "\${rank}", lr: 1e-3 } }
  tuned: { use: sft, in: { model: base, recovery: warm, data: data.train } }
  ppl: { use: perplexity-eval, in: { model: base, recovery: warm, data: data.eval } }
  tuned_ppl: { use: perplexity-eval, in: { model: base, recovery: tuned, data: data.eval } }
`;

export const experiment = `experiment: small
pipeline: p.yaml
params: { model: models/tiny }
axes:
  type: [T_next, T_back]
  method:
    values:
      slw: { metric: ppl.perplexity }
      sft: { metric: tuned_ppl.perplexity }
table: { rows: [method], columns: [type] }
`;

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** Writes the files (p.yaml and e.yaml are the ones above unless given) and gives their folder. */
export function specFolder(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-spec-'));
  folders.push(folder);
  for (const [name, text] of Object.entries({ 'p.yaml': pipeline, 'e.yaml': experiment, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** `e.yaml:3:4  message` for each diagnostic. */
export function lines(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ file, line, column, text, message }) =>
    line === 0 ? `${`${file} ${text}`.trim()}  ${message}` : `${file}:${line}:${column}  ${message}`,
  );
}

/** What `check` says of a file. */
export async function checked(folder: string, file = 'e.yaml'): Promise<string[]> {
  return lines(await checkSpec(file, registry, folder));
}

/** The plan of e.yaml. */
export function planned(folder: string, flags: Partial<SpecRequest> = {}): Promise<Plan> {
  return loadPlan({ file: 'e.yaml', numerics, cwd: folder, ...flags }, registry);
}

/** What `plan` complains of. */
export async function complaints(folder: string, flags: Partial<SpecRequest> = {}): Promise<string[]> {
  try {
    await planned(folder, flags);
    return [];
  } catch (error) {
    if (error instanceof SpecErrors) return lines(error.diagnostics);
    throw error;
  }
}
