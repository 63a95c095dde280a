// A PEFT adapter beside its base: recovery parameters of candidate g0 as LoRA on the folder with Direct Sharing (methods A.3).
import { writeFile } from 'node:fs/promises';
import { fromFloat32 } from '../formats/dtype.ts';
import { createSafetensors } from '../formats/safetensors.ts';
import { UserError } from '../util/errors.ts';
import { type FloatType, type ModelFiles, type OnProgress, writeHuggingFace } from './export-huggingface.ts';
import type { ExportSizes } from './export-sizes.ts';
import { type ExportSource, isAdapted, padded } from './export-source.ts';
import { type Projection, projections } from './names.ts';
import type { Replacement } from './replacement.ts';

/** Where the files go; the base is a model folder of its own. */
export interface PeftFiles extends ModelFiles {
  readonly adapter_config: string;
  readonly adapter_model: string;
}

/** What an adapter export did. */
export interface PeftExport extends ExportSizes {
  /** Layers (from 1) with an alpha other than 1: PEFT has no such number, so their copy in the base is multiplied by it. */
  readonly folded: readonly number[];
}

/** Writes the base rounded to `dtype` and the adapter as float32; a UserError for a recovery that LoRA cannot hold. */
export async function writePeft(
  source: ExportSource,
  files: PeftFiles,
  dtype: FloatType,
  onProgress: OnProgress = () => {},
): Promise<PeftExport> {
  const adapted = adaptedBy(source);
  await writeFile(files.adapter_config, `${JSON.stringify(adapterConfig(adapted), null, 2)}\n`);
  await writeAdapter(source, adapted, files.adapter_model);
  const sizes = await writeHuggingFace(source, files, dtype, { base: true, onProgress });
  return { ...sizes, folded: await foldedLayers(source, adapted) };
}

function adaptedBy({ recovery }: ExportSource): Replacement[] {
  const other = recovery.replacements.find((each) => isAdapted(each) && each.candidate !== 'g0');
  if (other !== undefined) {
    throw new UserError(
      `format: peft can hold candidate 'g0' only, got '${other.candidate}' at layer ${other.target}; format: huggingface folds every candidate into whole matrices`,
    );
  }
  const adapted = recovery.replacements.filter(isAdapted);
  if (adapted.length > 0) return adapted;
  throw new UserError(
    "format: peft needs recovery parameters for its adapter, got none: join a recovery of rank 1 or more to input 'recovery', or take format: huggingface",
  );
}

/** Scaling is alpha / r in PEFT, so both are the rank and the scaling is 1; layers of another rank are listed as patterns. */
function adapterConfig(adapted: readonly Replacement[]): object {
  const modules = adapted.flatMap(({ target, rank }) =>
    projections.map((projection) => ({ name: moduleName(target, projection), rank })),
  );
  const rank = adapted[0]?.rank ?? 0;
  const pattern = Object.fromEntries(
    modules.filter((each) => each.rank !== rank).map((each) => [each.name, each.rank]),
  );
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: 'base',
    inference_mode: true,
    r: rank,
    lora_alpha: rank,
    lora_dropout: 0,
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    init_lora_weights: true,
    target_modules: modules.map(({ name }) => name),
    rank_pattern: pattern,
    alpha_pattern: pattern,
  };
}

async function writeAdapter(source: ExportSource, adapted: readonly Replacement[], path: string): Promise<void> {
  const { hidden_size: d, intermediate_size: f } = source.config;
  const factors = adapted.flatMap(({ target, rank }) =>
    projections.flatMap((projection) => {
      const side = (letter: 'A' | 'B') =>
        `base_model.model.model.${moduleName(target, projection)}.lora_${letter}.weight`;
      return [
        { name: side('A'), target, rank, projection, of: projection === 'down' ? 'B' : 'A' },
        { name: side('B'), target, rank, projection, of: projection === 'down' ? 'A' : 'B' },
      ] as const;
    }),
  );
  const read = await Promise.all(
    factors.map((factor) => source.parameter(factor.target, factor.projection, factor.of)),
  );
  const entries = factors.map(({ name, rank, projection, of }, i) => {
    const stored = read[i] as Float32Array;
    const shape: [number, number] = of === 'A' ? [d, rank] : [rank, f];
    const values = of === 'A' ? stored : padded(stored, [rank, stored.length / rank], shape); // where channels were removed
    // ours: A [d, r], B [r, f]; PEFT wants [r, in] and [out, r], so gate and up are transposed and down is not
    return projection === 'down' ? { name, shape, values } : { name, ...transposed(values, shape) };
  });
  const writer = await createSafetensors(
    path,
    entries.map(({ name, shape }) => ({ name, dtype: 'F32', shape })),
    { format: 'pt' },
  );
  for (const { name, values } of entries) await writer.write(name, fromFloat32('F32', values));
  await writer.close();
}

function transposed(values: Float32Array, [rows, columns]: [number, number]) {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = values[row * columns + column] as number;
    }
  }
  return { shape: [columns, rows], values: turned };
}

async function foldedLayers(source: ExportSource, adapted: readonly Replacement[]): Promise<number[]> {
  const folded: number[] = [];
  for (const { target } of adapted) {
    const alphas = await Promise.all(projections.map((projection) => source.parameter(target, projection, 'alpha')));
    if (alphas.some(([alpha]) => alpha !== 1)) folded.push(target);
  }
  return folded;
}

/** PEFT's name of a module, from the layers' list on: unique, as layers count there from 0. */
function moduleName(target: number, projection: Projection): string {
  return `layers.${target - 1}.mlp.${projection}_proj`;
}
