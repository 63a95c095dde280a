// A PEFT adapter beside its base: recovery parameters of candidates g0 and lora as LoRA on the folder with Direct Sharing (methods A.3).
import { writeFile } from 'node:fs/promises';
import { writing } from '../../formats/files/writing.ts';
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { createSafetensors } from '../../formats/tensors/safetensors.ts';
import { UserError } from '../../util/errors.ts';
import { transposed } from '../../util/transposed.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type MatrixRole, writesHidden } from '../architecture/roles.ts';
import { moduleName } from '../architecture/tensors.ts';
import { parameterName } from '../sharing/recovery-shapes.ts';
import { matrixSize, type Replacement, rolesOf } from '../sharing/replacement.ts';
import { writeCodes } from './codes.ts';
import { type FloatType, type ModelFiles, type OnProgress, writeHuggingFace } from './huggingface.ts';
import type { ExportSizes } from './sizes.ts';
import { type ExportSource, isAdapted, padded } from './source.ts';

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

/**
 * Writes the base rounded to `dtype`, or with STORED the codes of an NF4 model, and the adapter as float32; a UserError for a
 * recovery that LoRA cannot hold.
 */
export async function writePeft(
  source: ExportSource,
  files: PeftFiles,
  dtype: FloatType | 'STORED',
  onProgress: OnProgress = () => {},
): Promise<PeftExport> {
  const adapted = adaptedBy(source);
  await writeFile(files.adapter_config, `${JSON.stringify(adapterConfig(source.config, adapted), null, 2)}\n`);
  await writeAdapter(source, adapted, files.adapter_model);
  const sizes =
    dtype === 'STORED'
      ? await writeCodes(source, files, onProgress, { base: true })
      : await writeHuggingFace(source, files, dtype, { base: true, onProgress });
  return { ...sizes, folded: await foldedLayers(source, adapted) };
}

/** Methods whose parameters LoRA can hold: those that add A B to a multiple of a stored matrix. */
const fitting = ['g0', 'g0_tied', 'lora'];

function adaptedBy({ recovery }: ExportSource): Replacement[] {
  const other = recovery.replacements.find((each) => isAdapted(each) && !fitting.includes(each.candidate));
  if (other !== undefined) {
    throw new UserError(
      `format: peft can hold candidates 'g0', 'g0_tied' and 'lora' only, got '${other.candidate}' at layer ${other.target}; format: huggingface folds every candidate into whole matrices`,
    );
  }
  const adapted = recovery.replacements.filter(isAdapted);
  if (adapted.length > 0) return adapted;
  throw new UserError(
    "format: peft needs recovery parameters for its adapter, got none: join a recovery of rank 1 or more to input 'recovery', or take format: huggingface",
  );
}

/** Scaling is alpha / r in PEFT, so both are the rank and the scaling is 1; layers of another rank are listed as patterns. */
function adapterConfig(config: ModelConfig, adapted: readonly Replacement[]): object {
  const modules = adapted.flatMap((replacement) =>
    rolesOf(replacement).map((role) => ({ name: shortName(config, replacement.target, role), rank: replacement.rank })),
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

/** One tensor of an adapter file: a factor of lamina's, transposed for what reads the residual stream. */
interface AdapterTensor {
  readonly name: string;
  readonly replacement: Replacement;
  readonly role: MatrixRole;
  readonly factor: 'A' | 'B';
  /** Of the factor: A [d, r], B [r, f], with f as it is in the base. */
  readonly shape: readonly [number, number];
}

async function writeAdapter(source: ExportSource, adapted: readonly Replacement[], path: string): Promise<void> {
  const tensors = adapted.flatMap((replacement) => adapterTensors(source.config, replacement));
  const entries = tensors.map(({ name, role, shape }) => {
    return { name, dtype: 'F32' as const, shape: writesHidden(role) ? [...shape] : shape.toReversed() };
  });
  await writing(await createSafetensors(path, entries, { format: 'pt' }), async (writer) => {
    for (const { name, replacement, role, factor, shape } of tensors) {
      const stored = await source.parameter(replacement, role, factor);
      // B is narrower where the layer's channels were removed; its base is padded in the same way
      const values = factor === 'A' ? stored : padded(stored, [shape[0], stored.length / shape[0]], shape);
      await writer.write(name, fromFloat32('F32', writesHidden(role) ? values : transposed(values, shape[1])));
    }
  });
}

/** PEFT wants lora_A [r, in] and lora_B [out, r]: A^T and B^T, but B and A for what is applied transposed. */
function adapterTensors(config: ModelConfig, replacement: Replacement): AdapterTensor[] {
  const { target, rank } = replacement;
  return rolesOf(replacement).flatMap((role) => {
    const module = `base_model.model.${moduleName(config, target, role)}`;
    const { d, f } = matrixSize(config, replacement, role);
    const A = { replacement, role, factor: 'A', shape: [d, rank] } as const;
    const B = { replacement, role, factor: 'B', shape: [rank, f] } as const;
    const [inner, outer] = writesHidden(role) ? [B, A] : [A, B];
    return [
      { ...inner, name: `${module}.lora_A.weight` },
      { ...outer, name: `${module}.lora_B.weight` },
    ];
  });
}

async function foldedLayers({ recovery }: ExportSource, adapted: readonly Replacement[]): Promise<number[]> {
  const folded: number[] = [];
  for (const replacement of adapted) {
    const { target } = replacement;
    const scalars = rolesOf(replacement).map((role) =>
      recovery.parameters.get(parameterName(replacement, role, 'alpha')),
    );
    const alphas = await Promise.all(scalars.map(async (alpha) => (alpha === undefined ? 1 : (await alpha.data())[0])));
    if (alphas.some((alpha) => alpha !== 1)) folded.push(target);
  }
  return folded;
}

/** PEFT's name of a module, from the layers' list on: unique, as layers count there from 0. */
function shortName(config: ModelConfig, target: number, role: MatrixRole): string {
  return moduleName(config, target, role).replace(/^model\./, '');
}
