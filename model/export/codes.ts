// A quantised model as a Hugging Face folder with the very codes that it was measured with: NF4 in bitsandbytes' layout,
// integers in AutoGPTQ's. Nothing is rounded again.
import { writeFile } from 'node:fs/promises';
import { writing } from '../../formats/files/writing.ts';
import { fromFloat32, tensorBytes } from '../../formats/tensors/dtype.ts';
import { createSafetensors } from '../../formats/tensors/safetensors.ts';
import { UserError } from '../../util/errors.ts';
import { folderConfigJson } from '../architecture/config.ts';
import { finalNormName, headName, tensorName, tensorShapes } from '../architecture/tensors.ts';
import { checkAdapterCodes, checkLayoutCodes, otherFormats } from '../codec/codes-fit.ts';
import type { Codec, Parts } from '../codec/quantize-codec.ts';
import { scaledParts, zeroParts } from '../codec/scaled-parts.ts';
import { recoveryParameters } from '../sharing/ratios.ts';
import { parameterName } from '../sharing/recovery-shapes.ts';
import { rolesOf } from '../sharing/replacement.ts';
import { hasTensor, type TensorSource, tensorSources } from '../sharing/sources.ts';
import { codeLayoutOf } from './code-layouts.ts';
import { dtypeNames, type FloatType, type ModelFiles, type OnProgress } from './huggingface.ts';
import type { LayoutPart } from './layout.ts';
import type { ExportSizes } from './sizes.ts';
import { type ExportSource, isAdapted } from './source.ts';
import { writeTexts } from './texts.ts';

/** Files of a model folder, and AutoGPTQ's own, which integers need. */
export type CodeFiles = ModelFiles & { readonly quantize_config?: string | undefined };

/** Where a tensor of the model comes from: the codes of a stored matrix, zeros, or floats. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly codec: Codec | undefined;
  /** The stored tensor whose codes it has; null for zeros. */
  readonly from: string | null;
}

/**
 * Writes the model with an MLP of its own for every layer; a UserError where a layout cannot hold what was measured. `base`: the
 * model that an adapter with the factors goes on top of, which is NF4; where an alpha is not 1 its magnitudes are multiplied by it.
 */
export async function writeCodes(
  source: ExportSource,
  files: CodeFiles,
  onProgress: OnProgress,
  { base = false }: { base?: boolean } = {},
): Promise<ExportSizes> {
  const codec = checkedCodec(source, base);
  const type = floatType(source);
  const places = placesOf(source);
  const alphas = base ? await alphasOf(source) : new Map<string, number>();
  const layouts = new Map(places.map((place) => [place.name, layoutOf(place, type)]));
  await writeConfigs(files, source, codec, type);
  await writeTexts(files, source.tokenizer);
  const entries = [...layouts.values()].flat().map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] }));
  await writing(await createSafetensors(files.weights, entries, { format: 'pt' }), async (writer) => {
    for (const [i, place] of places.entries()) {
      const parts = scaledParts(await partsOf(source, place), alphas.get(place.name) ?? 1);
      for (const part of layouts.get(place.name) as LayoutPart[]) await writer.write(part.name, part.bytes(parts));
      onProgress(i + 1, places.length);
    }
  });
  return sizesOf(source, places, layouts);
}

/** The codec of the linear layers, after everything that has no format is refused. */
function checkedCodec({ checkpoint: { quantization }, recovery, padded }: ExportSource, base: boolean): Codec {
  if (base) checkAdapterCodes(quantization);
  const codec = checkLayoutCodes(quantization);
  const adapted = base ? undefined : recovery.replacements.find(isAdapted);
  if (adapted !== undefined) {
    throw new UserError(
      `layer ${adapted.target} has recovery parameters, which cannot be folded into codes of ${quantization?.scheme} without rounding them anew: ${otherFormats}`,
    );
  }
  if (padded.length > 0) {
    throw new UserError(
      `layer ${padded[0]} has a narrower MLP than others, which no layout for codes knows: ${otherFormats}`,
    );
  }
  return codec;
}

/** The type of what is not quantised. */
function floatType({ checkpoint }: ExportSource): FloatType {
  const { dtype = 'F32' } = checkpoint.tensors.get(finalNormName) ?? {};
  return dtype as FloatType; // of a quantised checkpoint, so one of the three
}

function placesOf({ config, checkpoint, recovery: { replacements } }: ExportSource): Place[] {
  const { quantization, storedAs } = checkpoint;
  const sources = tensorSources(config, replacements, storedAs);
  const linear = quantization?.codecs.values().next().value;
  return [...tensorShapes(config)].map(([name, shape]) => {
    const source = sources.get(name) as TensorSource;
    const from = !hasTensor(source) || quantization?.absent.has(source.of) ? null : source.from;
    const codec = from === null && shape.length === 2 ? linear : quantization?.codecs.get(from ?? name);
    return { name, shape, from, codec };
  });
}

function layoutOf({ name, shape, codec }: Place, type: FloatType): LayoutPart[] {
  if (codec !== undefined) return codeLayoutOf(codec).arrays(name, codec, shape);
  return [{ name, dtype: type, shape, bytes: (parts) => parts.get('float') as Uint8Array }];
}

async function partsOf(source: ExportSource, { shape, codec, from }: Place): Promise<Parts> {
  if (codec === undefined) {
    const values = from === null ? new Float32Array(shape.reduce((a, b) => a * b, 1)) : await source.readStored(from);
    return new Map([['float', fromFloat32(floatType(source), values)]]);
  }
  if (from !== null) return source.checkpoint.readParts(from);
  return zeroParts(codec, shape);
}

/** alpha by the name of the target's matrix. */
async function alphasOf({ config, recovery, parameter }: ExportSource): Promise<Map<string, number>> {
  const alphas = new Map<string, number>();
  for (const replacement of recovery.replacements.filter(isAdapted)) {
    const { target } = replacement;
    for (const role of rolesOf(replacement)) {
      if (!recovery.parameters.has(parameterName(replacement, role, 'alpha'))) continue;
      const [alpha = 1] = await parameter(replacement, role, 'alpha');
      alphas.set(tensorName(config, target, role), alpha);
    }
  }
  return alphas;
}

async function writeConfigs(files: CodeFiles, source: ExportSource, codec: Codec, type: FloatType): Promise<void> {
  const head = source.checkpoint.quantization?.codecs.has(headName) === true;
  const layout = codeLayoutOf(codec);
  const quantization_config = layout.config(codec, head);
  const config = { ...folderConfigJson(source.config, dtypeNames[type]), quantization_config };
  await writeFile(files.config, jsonText(config));
  const { quantize_config } = files;
  if (layout.has_own_config && quantize_config !== undefined) {
    await writeFile(quantize_config, jsonText(quantization_config));
  }
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function sizesOf(
  { stored, recovery: { replacements } }: ExportSource,
  places: readonly Place[],
  layouts: ReadonlyMap<string, readonly LayoutPart[]>,
): ExportSizes {
  const bytesOf = ({ name }: Place) =>
    (layouts.get(name) ?? []).reduce((sum, { dtype, shape }) => sum + (tensorBytes(dtype, shape) as number), 0);
  const total = (chosen: readonly Place[]) => chosen.reduce((sum, place) => sum + bytesOf(place), 0);
  const first = new Set<string>();
  const once = places.filter(({ from }) => from !== null && !first.has(from) && first.add(from));
  return {
    unique_bytes: total(once) + 4 * recoveryParameters({ replacements, config: stored }),
    expanded_bytes: total(places),
  };
}
