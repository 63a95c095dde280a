// A GGUF file for llama.cpp: every layer with an MLP of its own, because its tensors cannot share bytes (methods E.5).
import { writing } from '../../formats/files/writing.ts';
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { createGguf, type GgufTensor } from '../../formats/tensors/gguf.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import { type GgufType, ggufBytes, isBlocked } from '../../formats/tensors/gguf-types.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { architectureOf } from '../architecture/registry.ts';
import { type TensorSpec, tensorSpecs } from '../architecture/tensors.ts';
import { checkFinite } from '../codec/plain.ts';
import { ropeFactors } from '../forward/rope.ts';
import { contextOf, modelEntries } from './gguf-entries.ts';
import { ggufName, interleaved } from './gguf-tensors.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';
import type { OnProgress } from './huggingface.ts';
import { type ExportSizes, exportSizes } from './sizes.ts';
import type { ExportSource } from './source.ts';

/** What a GGUF export did. */
export interface GgufExport extends ExportSizes {
  /** Tensors (lamina's names) whose rows are no whole number of blocks, stored as F16. */
  readonly unblocked: readonly string[];
  /** False when llama.cpp has no pre-tokenizer of the model's pattern. */
  readonly exact_tokenizer: boolean;
  /** What the file cannot say of the tokenizer, in sentences. */
  readonly warnings: readonly string[];
}

const factorsName = 'rope_freqs.weight';

/** Writes the model to `path`: matrices in `type`, norms as F32. `name` is the model's name for people. */
export async function writeGguf(
  source: ExportSource,
  path: string,
  { type, name, onProgress = () => {} }: { type: GgufType; name: string; onProgress?: OnProgress },
): Promise<GgufExport> {
  const { config } = source;
  refuseUnknown(config);
  const tokenizer = ggufTokenizer(source.tokenizer, config);
  const tensors = tensorSpecs(config).map((spec) => {
    return { spec, name: ggufName(spec), shape: spec.shape, type: typeOf(type, spec.shape) };
  });
  const factors = config.rope_scaling?.rope_type === 'llama3' ? ropeFactors(config) : null;
  const extra: GgufTensor[] = factors ? [{ name: factorsName, type: 'F32', shape: [factors.length] }] : [];
  const metadata = [...modelEntries(config, { type, name }), ...tokenizer.entries];
  await writing(await createGguf(path, metadata, [...extra, ...tensors]), async (writer) => {
    if (factors) await writer.write(factorsName, encodeGguf('F32', factors));
    for (const [i, tensor] of tensors.entries()) {
      const values = interleaved(tensor.spec, await source.read(tensor.spec.name), config);
      await writer.write(tensor.name, bytesOf(tensor, values));
      onProgress(i + 1, tensors.length);
    }
  });
  const unblocked = tensors.filter((tensor) => tensor.shape.length > 1 && tensor.type !== type);
  return {
    ...exportSizes(source, (shape) => ggufBytes(typeOf(type, shape), shape) as number),
    unblocked: unblocked.map(({ spec }) => spec.name),
    exact_tokenizer: tokenizer.exact,
    warnings: [...tokenizer.warnings, ...windowWarning(config)],
  };
}

/** The values of a tensor as they are written; our name of it is in what is refused. */
function bytesOf({ spec, type }: { spec: TensorSpec; type: GgufType }, values: Float32Array): Uint8Array {
  if (type === 'F16') return encodeFloats(spec.name, type, values);
  if (isBlocked(type)) checkFinite(spec.name, values);
  return encodeGguf(type, values);
}

/** Norms stay exact; a row that is no whole number of blocks of 32 takes F16, as llama.cpp's own quantiser does. */
function typeOf(type: GgufType, shape: readonly number[]): GgufType {
  if (shape.length === 1) return 'F32';
  return ggufBytes(type, shape) === undefined ? 'F16' : type;
}

/** What the file cannot say would be passed over where it is run. */
function refuseUnknown(config: ModelConfig): void {
  const { gguf, name } = architectureOf(config);
  const { rope_scaling: scaling } = config;
  const why =
    scaling?.rope_type === 'llama3' && !gguf.rope_factors
      ? `llama.cpp's ${gguf.architecture} knows no RoPE of type 'llama3'`
      : scaling?.rope_type === 'yarn' && !scaling.truncate
        ? "llama.cpp knows no YaRN with 'truncate' false"
        : gguf.refusal(config);
  if (why === undefined) return;
  throw new UserError(`format: gguf cannot hold this ${name}: ${why}; take format: huggingface or format: onnx`);
}

/** llama.cpp lets none of these architectures slide, so the file names the window as its context: up to there nothing differs. */
function windowWarning(config: ModelConfig): string[] {
  const context = contextOf(config);
  if (context === config.max_position_embeddings) return [];
  return [
    `llama.cpp attends to all tokens where this model's layers slide, so the GGUF file names the window as its context: ${context} tokens instead of ${config.max_position_embeddings}`,
  ];
}
