// What is known of a model from outside before its weights are read.
import type { TensorReader } from '../../formats/tensors/tensor-reader.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { TokenizerFiles } from '../checkpoint/checkpoint.ts';
import type { AdapterFiles } from './adapter-config.ts';

/** A model's small files, or the header of its GGUF file, settled. */
export interface FolderSummary {
  /** Where config.json and the weights are: the folder that was named, the base of the adapter in it, or the GGUF file. */
  readonly folder: string;
  readonly config: ModelConfig;
  /** The type of the weights by config.json; of a GGUF file, that of its matrices in a checkpoint. */
  readonly dtype: string | undefined;
  readonly tokenizer: TokenizerFiles;
  /** A LoRA adapter in the folder that was named. */
  readonly adapter: AdapterFiles | undefined;
  /** What is seen and not honoured, and which of two sources of one fact was taken; no path is in them. */
  readonly warnings: readonly string[];
  /** Opens the weights under Hugging Face's names; `warn` is told what lies beside them and is not read. */
  openWeights(warn: (message: string) => void): Promise<TensorReader>;
}

export interface FolderOptions {
  /** False: configuration and tokenizer alone count, weights are not going to be read. Default: true. */
  readonly weights?: boolean;
  /** False: the tokenizer, which is large, is not read; what it would be compared with is not said. Default: true. */
  readonly tokenizer?: boolean;
}
