// Copies of the model folders of test/fixtures/model, changed as test/fixtures/folders/make.py changes them, and the losses of what is loaded.
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createSafetensors } from '../../formats/tensors/safetensors.ts';
import { openSafetensorsFolder } from '../../formats/tensors/safetensors-folder.ts';
import type { Weights } from '../../model/architecture/weights.ts';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { type ImportOptions, importHuggingFace, loadHuggingFace } from '../../model/import/huggingface.ts';
import { tf } from '../../tensor/tf.ts';
import { fixtures, scratch } from './fixtures.ts';

const folder = fileURLToPath(new URL('../fixtures/folders', import.meta.url));
export const adapterFolder = (name: string) => join(folder, 'adapters', name);

/** A JSON file that make.py wrote. */
export function folderFixture<T>(name: string): { ids: number[]; cases: Record<string, T> } {
  return JSON.parse(readFileSync(join(folder, name), 'utf8'));
}

/** A copy of a model folder with the keys of `change` in its config.json; `(none)` takes a key away. */
export async function copyOf(base: string, change: Record<string, unknown> = {}): Promise<string> {
  const copy = await scratch();
  cpSync(join(fixtures, base), copy, { recursive: true });
  const config = { ...JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')), ...change };
  const kept = Object.entries(config).filter(([, value]) => value !== '(none)');
  writeFileSync(join(copy, 'config.json'), JSON.stringify(Object.fromEntries(kept)));
  return copy;
}

/** Gives a model that is one file other tensors: `rename` names each anew, or leaves it out; `more` names those that are added, and of what. */
export async function rewrite(
  model: string,
  rename: (name: string) => string | null,
  more: Record<string, { of: string; rows: 'same' | 'reversed' }> = {},
): Promise<void> {
  const reader = await openSafetensorsFolder(model);
  const entries = [...reader.tensors.values()];
  const tensors: { name: string; of: (typeof entries)[number]; reversed: boolean }[] = [];
  for (const of of entries) {
    const name = rename(of.name);
    if (name !== null) tensors.push({ name, of, reversed: false });
  }
  for (const [name, { of, rows }] of Object.entries(more)) {
    tensors.push({ name, of: reader.tensors.get(of) as (typeof entries)[number], reversed: rows === 'reversed' });
  }
  const contents: Uint8Array[] = [];
  for (const { of, reversed } of tensors) {
    const bytes = await reader.readBytes(of.name);
    contents.push(reversed ? reversedRows(bytes, of.shape[0] as number) : bytes);
  }
  await reader.close();
  const writer = await createSafetensors(
    join(model, 'model.safetensors'),
    tensors.map(({ name, of: { dtype, shape } }) => ({ name, dtype, shape })),
  );
  for (const [i, { name }] of tensors.entries()) await writer.write(name, contents[i] as Uint8Array);
  await writer.close();
}

function reversedRows(bytes: Uint8Array, rows: number): Uint8Array {
  const width = bytes.byteLength / rows;
  const turned = new Uint8Array(bytes.byteLength);
  for (let row = 0; row < rows; row++)
    turned.set(bytes.subarray(row * width, (row + 1) * width), (rows - 1 - row) * width);
  return turned;
}

/** The losses of the tokens after the first, of a model that goes through a checkpoint; and what was warned of. */
export async function importedLosses(
  model: string,
  ids: readonly number[],
  options: Pick<ImportOptions, 'adapter'> = {},
): Promise<{ losses: number[]; warnings: string[] }> {
  const warnings: string[] = [];
  const path = join(await scratch(), 'model.arrow');
  await importHuggingFace(model, path, { ...options, onWarning: (message) => warnings.push(message) });
  const { weights } = await loadModel(path);
  return { losses: await lossesOf(weights, ids), warnings };
}

/** The same of a folder that is loaded as it is. */
export async function loadedLosses(model: string, ids: readonly number[]): Promise<number[]> {
  return lossesOf((await loadHuggingFace(model)).weights, ids);
}

async function lossesOf(weights: Weights, ids: readonly number[]): Promise<number[]> {
  onTestFinished(() => weights.dispose());
  const model = createModel(weights);
  const logits = forward(model, tf.tensor2d([[...ids]], undefined, 'int32'));
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  model.disposeFrames();
  const width = weights.config.vocab_size;
  return ids.slice(1).map((id, t) => {
    const row = values.subarray(t * width, (t + 1) * width);
    const largest = Math.max(...row);
    return largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0)) - (row[id] as number);
  });
}
