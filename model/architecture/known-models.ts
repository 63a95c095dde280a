// The shapes of models that people name often, so that planning works before anything is downloaded.

/** What decides the work of a model; names as in its config.json. */
export interface KnownModel {
  /** The architecture, by its name in the registry. */
  model_type: string;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  vocab_size: number;
  tie_word_embeddings: boolean;
}

type Sizes = readonly [hidden: number, mlp: number, layers: number, heads: number, kv: number, head: number];

const shapesOf =
  (model_type: string) =>
  (sizes: Sizes, vocab_size: number, tie_word_embeddings = false): KnownModel => {
    const [hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim] =
      sizes;
    const widths = { model_type, hidden_size, intermediate_size, num_hidden_layers };
    return { ...widths, num_attention_heads, num_key_value_heads, head_dim, vocab_size, tie_word_embeddings };
  };
const llama = shapesOf('llama');
const mistral = shapesOf('mistral');
const qwen2 = shapesOf('qwen2');
const qwen3 = shapesOf('qwen3');
const smollm3 = shapesOf('smollm3');

// Llama-2-7b and Llama-3.2-3B are the paper's, their shapes from litgpt's config.py; the others are written down from general
// knowledge and not compared with their config.json. Only estimates use them: a load goes by the file itself.
const llama2_7b = llama([4096, 11008, 32, 32, 32, 128], 32_000);
const llama2_13b = llama([5120, 13824, 40, 40, 40, 128], 32_000);
const llama2_70b = llama([8192, 28672, 80, 64, 8, 128], 32_000);
const llama3_8b = llama([4096, 14336, 32, 32, 8, 128], 128_256);
const llama32_1b = llama([2048, 8192, 16, 32, 8, 64], 128_256, true);
const llama32_3b = llama([3072, 8192, 28, 24, 8, 128], 128_256, true);
const tinyLlama = llama([2048, 5632, 22, 32, 4, 64], 32_000);

const smolLm2_135m = llama([576, 1536, 30, 9, 3, 64], 49_152, true);
const mistral7b = [4096, 14336, 32, 32, 8, 128] as const;
const qwen25_05b = qwen2([896, 4864, 24, 14, 2, 64], 151_936, true);
const qwen25_15b = qwen2([1536, 8960, 28, 12, 2, 128], 151_936, true);
const qwen25_7b = qwen2([3584, 18_944, 28, 28, 4, 128], 152_064);
const qwen3_06b = qwen3([1024, 3072, 28, 16, 8, 128], 151_936, true);
const qwen3_17b = qwen3([2048, 6144, 28, 16, 8, 128], 151_936, true);
const qwen3_8b = qwen3([4096, 12_288, 36, 32, 8, 128], 151_936);
const smolLm3_3b = smollm3([2048, 11_008, 36, 16, 4, 128], 128_256, true);

const known: Readonly<Record<string, KnownModel>> = {
  'meta-llama/Llama-2-7b-hf': llama2_7b,
  'meta-llama/Llama-2-7b-chat-hf': llama2_7b,
  'NousResearch/Llama-2-7b-hf': llama2_7b,
  'huggyllama/llama-7b': llama2_7b,
  'meta-llama/Llama-2-13b-hf': llama2_13b,
  'meta-llama/Llama-2-13b-chat-hf': llama2_13b,
  'meta-llama/Llama-2-70b-hf': llama2_70b,
  'meta-llama/Meta-Llama-3-8B': llama3_8b,
  'meta-llama/Meta-Llama-3-8B-Instruct': llama3_8b,
  'meta-llama/Llama-3.1-8B': llama3_8b,
  'meta-llama/Llama-3.1-8B-Instruct': llama3_8b,
  'meta-llama/Llama-3.2-1B': llama32_1b,
  'meta-llama/Llama-3.2-1B-Instruct': llama32_1b,
  'meta-llama/Llama-3.2-3B': llama32_3b,
  'meta-llama/Llama-3.2-3B-Instruct': llama32_3b,
  'TinyLlama/TinyLlama-1.1B-Chat-v1.0': tinyLlama,
  'TinyLlama/TinyLlama_v1.1': tinyLlama,
  'HuggingFaceTB/SmolLM2-135M': smolLm2_135m,
  'HuggingFaceTB/SmolLM2-135M-Instruct': smolLm2_135m,
  'mistralai/Mistral-7B-v0.1': mistral(mistral7b, 32_000),
  'mistralai/Mistral-7B-v0.3': mistral(mistral7b, 32_768),
  'mistralai/Mistral-7B-Instruct-v0.3': mistral(mistral7b, 32_768),
  'Qwen/Qwen2.5-0.5B': qwen25_05b,
  'Qwen/Qwen2.5-0.5B-Instruct': qwen25_05b,
  'Qwen/Qwen2.5-1.5B': qwen25_15b,
  'Qwen/Qwen2.5-1.5B-Instruct': qwen25_15b,
  'Qwen/Qwen2.5-7B': qwen25_7b,
  'Qwen/Qwen2.5-7B-Instruct': qwen25_7b,
  'Qwen/Qwen3-0.6B': qwen3_06b,
  'Qwen/Qwen3-1.7B': qwen3_17b,
  'Qwen/Qwen3-8B': qwen3_8b,
  'HuggingFaceTB/SmolLM3-3B': smolLm3_3b,
  'HuggingFaceTB/SmolLM3-3B-Base': smolLm3_3b,
};

/** The names that `knownModel` knows. */
export const knownModelNames: readonly string[] = Object.keys(known);

/** The shape of the model `org/name` on the hub; undefined for one that is not in the table. */
export function knownModel(repo: string): KnownModel | undefined {
  return Object.hasOwn(known, repo) ? known[repo] : undefined;
}
