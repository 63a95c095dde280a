// The tensors of a GGUF file under Hugging Face's names and in its order of rows.
import { type Dtype, tensorBytes } from '../../formats/tensors/dtype.ts';
import type { GgufReader } from '../../formats/tensors/gguf-reader.ts';
import { type GgufStoredType, isBlocked } from '../../formats/tensors/gguf-types.ts';
import type { TensorEntry, TensorReader } from '../../formats/tensors/tensor-reader.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type TensorSpec, tensorSpecs } from '../architecture/tensors.ts';
import { ggufName, halved } from '../export/gguf-tensors.ts';
import { factorsName } from './gguf-rope.ts';

/** What a number becomes in a checkpoint: floats stay as they are, a quantised type becomes the exact float32. */
export function storedDtype(type: GgufStoredType): 'F32' | 'F16' | 'BF16' {
  return isBlocked(type) ? 'F32' : (type as 'F32' | 'F16' | 'BF16');
}

/** Reads the tensors of `reader`, of a model of `config`; those that the model does not have keep their names. */
export function ggufTensors(reader: GgufReader, config: ModelConfig): TensorReader {
  const specs = new Map(tensorSpecs(config).map((spec) => [ggufName(spec), spec]));
  const sources = new Map<string, { readonly of: string; readonly spec: TensorSpec | undefined }>();
  const tensors = new Map<string, TensorEntry>();
  for (const { name: of, type, shape } of reader.tensors.values()) {
    if (isIdle(of)) continue;
    const spec = specs.get(of);
    const name = spec?.name ?? of;
    const dtype: Dtype = storedDtype(type);
    sources.set(name, { of, spec });
    tensors.set(name, { name, dtype, shape: [...shape], byteLength: tensorBytes(dtype, shape) ?? 0 });
  }
  const find = (name: string) => {
    const source = sources.get(name);
    if (source === undefined) throw new UserError(`GGUF file '${reader.path}': no tensor '${name}'`);
    return source;
  };
  const turned = <T extends Uint8Array | Float32Array>(spec: TensorSpec | undefined, values: T): T =>
    spec === undefined ? values : halved(spec, values, config);
  const readFloat32 = async (name: string) => {
    const { of, spec } = find(name);
    return turned(spec, await reader.readFloat32(of));
  };
  const readBytes = async (name: string) => {
    const { of, spec } = find(name);
    const { type } = reader.tensors.get(of) as { type: GgufStoredType };
    if (!isBlocked(type)) return turned(spec, await reader.readBytes(of));
    const values = await readFloat32(name);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  };
  return { tensors, readBytes, readFloat32, location: () => undefined, close: () => reader.close() };
}

/** Factors of RoPE are read with the config; old files have RoPE's frequencies beside them. */
function isIdle(name: string): boolean {
  return name === factorsName || /^blk\.\d+\.attn_rot_embd\.weight$/.test(name);
}
