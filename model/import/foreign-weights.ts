// Weights that lamina does not read, by the names of their files and tensors: what they are, and the way to what it reads.
import type { Dtype } from '../../formats/tensors/dtype.ts';

const convert =
  "convert it, where whoever made it can be trusted, with transformers (AutoModelForCausalLM.from_pretrained('FOLDER').save_pretrained('OTHER'))";

const kinds: readonly [RegExp, string][] = [
  [/\.(bin|pth|pt|ckpt)$/, `a pickled file, which is a program and is not run: ${convert}`],
  [/\.gguf$/, "a GGUF file: give that file as 'path'"],
  [/\.(h5|msgpack|npz)$/, `of another framework: ${convert}`],
  [/^model-.*\.safetensors$/, "shards without their list 'model.safetensors.index.json': copy that too"],
  [/\.safetensors$/, "safetensors of another name, expected 'model.safetensors' or shards with their index"],
];

/** A clause about the weights among `names`: `its weights are in 'pytorch_model.bin', a pickled file, ...`; undefined for none. */
export function foreignWeights(names: readonly string[]): string | undefined {
  for (const [pattern, what] of kinds) {
    const found = names
      .filter(
        (name) => pattern.test(name) && !/^(training_args|optimizer|scheduler|rng_state|adapter_model)/.test(name),
      )
      .sort();
    if (found.length > 0)
      return `its weights are in '${found[0]}'${found.length > 1 ? ` and ${found.length - 1} more` : ''}, ${what}`;
  }
  return undefined;
}

const layouts: readonly [RegExp, string][] = [
  [/\.(qweight|qzeros|g_idx)$/, 'GPTQ or AWQ'],
  [/\.weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\..*)$/, 'bitsandbytes'],
  [/\.(weight_scale|weight_scale_inv|input_scale)$/, 'FP8'],
  [/\.(weight_packed|weight_shape|weight_zero_point)$/, 'compressed-tensors'],
  [/\.SCB$/, 'bitsandbytes'],
];

/** A sentence's end for tensors that a quantising program wrote; undefined where none of them is one. */
export function quantizedLayout(tensors: ReadonlyMap<string, { readonly dtype: Dtype }>): string | undefined {
  for (const [pattern, program] of layouts) {
    const found = [...tensors.keys()].find((name) => pattern.test(name));
    if (found !== undefined) return `the weights are quantised in the layout of ${program} (tensor '${found}')`;
  }
  return undefined;
}
