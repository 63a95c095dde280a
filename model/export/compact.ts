// The compact folder: each stored tensor once, the recovery parameters beside them, and sharp.json, which says what stands where.
import { writeFile } from 'node:fs/promises';
import { writing } from '../../formats/files/writing.ts';
import { encodeFloats, fromFloat32, tensorBytes } from '../../formats/tensors/dtype.ts';
import { createSafetensors } from '../../formats/tensors/safetensors.ts';
import { UserError } from '../../util/errors.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { methodNamed } from '../methods/registry.ts';
import { parameterName, recoveryShapes } from '../sharing/recovery-shapes.ts';
import { formatReplacements, type Replacement, rolesOf } from '../sharing/replacement.ts';
import { ownTensors, tensorSources } from '../sharing/sources.ts';
import { type FloatType, type OnProgress, writeConfig } from './huggingface.ts';
import { type ExportSizes, exportSizes } from './sizes.ts';
import type { ExportSource } from './source.ts';
import { type TextFiles, writeTexts } from './texts.ts';

/** `format` and `version` of sharp.json. */
export const compactFormat = 'lamina-compact';
const compactVersion = 1;
/** Of a folder with layers that run side by side, which readers of version 1 would not see. */
const compactParallelVersion = 2;
/** Of a folder whose MLPs are cut into experts. */
const compactRoutingVersion = 3;
/** Not `model.safetensors`: transformers would load that, and fill in the missing MLPs with random numbers. */
export const compactWeights = 'shared.safetensors';
export const compactMap = 'sharp.json';

/** Where the files of a compact folder go. */
export interface CompactFiles extends TextFiles {
  readonly config: string;
  readonly weights: string;
  readonly map: string;
}

/** Writes weights rounded to `dtype`, recovery parameters as float32. */
export async function writeCompact(
  source: ExportSource,
  files: CompactFiles,
  dtype: FloatType,
  onProgress: OnProgress = () => {},
): Promise<ExportSizes> {
  const { stored, tokenizer, recovery } = source;
  checkStored(recovery.replacements);
  await writeConfig(files.config, stored, dtype);
  await writeTexts(files, tokenizer);
  await writeFile(files.map, `${JSON.stringify(await mapJson(source), null, 2)}\n`);
  const weights = storedTensors(source).map(([name, shape]) => ({ name, dtype, shape }));
  const routers = recovery.routing?.routers ?? new Map<string, never>();
  const beside = [...compactParameters(source), ...[...routers].map(([name, { shape }]) => ({ name, shape }))];
  const factors = beside.map(({ name, shape }) => ({ name, dtype: 'F32', shape }) as const);
  await writing(await createSafetensors(files.weights, [...weights, ...factors]), async (writer) => {
    for (const [i, { name }] of weights.entries()) {
      await writer.write(name, encodeFloats(name, dtype, await source.readStored(name)));
      onProgress(i + 1, weights.length);
    }
    for (const { name } of factors) {
      const values = (await (recovery.parameters.get(name) ?? routers.get(name))?.data()) as Float32Array;
      await writer.write(name, fromFloat32('F32', values));
    }
  });
  return exportSizes(source, (shape) => tensorBytes(dtype, shape) as number);
}

/** The folder's reader expects each layer's matrices, or another layer's. */
function checkStored(replacements: readonly Replacement[]): void {
  const alone = replacements.find(({ candidate }) => methodNamed(candidate).standsAlone);
  if (alone === undefined) return;
  throw new UserError(
    `layout: compact has no place for candidate '${alone.candidate}' at layer ${alone.target}, whose matrices are not stored: take layout: expanded, or format: onnx`,
  );
}

function storedTensors({ stored, recovery }: ExportSource): [string, number[]][] {
  const shapes = tensorShapes(stored);
  return ownTensors(tensorSources(stored, recovery.replacements)).map((name) => [name, shapes.get(name) as number[]]);
}

/** The recovery parameters that are tensors; the scalars alpha stand in sharp.json. */
function compactParameters({ stored, recovery }: ExportSource): { name: string; shape: number[] }[] {
  const shapes = [...recoveryShapes(stored, recovery.replacements)];
  return shapes.filter(([, shape]) => shape.length > 0).map(([name, shape]) => ({ name, shape }));
}

async function mapJson(source: ExportSource): Promise<object> {
  const { replacements, parallel, routing } = source.recovery;
  const listed: object[] = [];
  for (const replacement of replacements) {
    const { target, reference, candidate, rank, roles } = replacement;
    const alphas = await alphasOf(source, replacement);
    const scaled = Object.keys(alphas).length > 0 && { alpha: alphas };
    listed.push({ target, reference, candidate, rank, ...(roles && { roles }), ...scaled });
  }
  return {
    format: compactFormat,
    version: compactVersionOf({ parallel, routing }),
    weights: compactWeights,
    layers_count_from: 1,
    map: formatReplacements(replacements),
    replacements: listed,
    ...(parallel && { parallel }),
    ...(routing && { routing: { layers: routing.layers, experts: routing.experts, active: routing.active } }),
  };
}

/** The version of a folder that says these: the least that knows of them. */
export function compactVersionOf({ parallel, routing }: { parallel?: unknown; routing?: unknown }): number {
  if (routing !== undefined) return compactRoutingVersion;
  return parallel === undefined ? compactVersion : compactParallelVersion;
}

/** The scalars of a replacement that has them, by matrix. */
async function alphasOf(source: ExportSource, replacement: Replacement): Promise<Record<string, number>> {
  const alphas: Record<string, number> = {};
  for (const role of rolesOf(replacement)) {
    if (!source.recovery.parameters.has(parameterName(replacement, role, 'alpha'))) continue;
    const alpha = (await source.parameter(replacement, role, 'alpha'))[0] as number;
    if (!Number.isFinite(alpha)) {
      throw new UserError(
        `'${parameterName(replacement, role, 'alpha')}' must be a finite number to be exported, got ${alpha}`,
      );
    }
    alphas[role] = alpha; // float32, which JSON's decimals hold exactly
  }
  return alphas;
}
