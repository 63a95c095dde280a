// A model with fewer MLP channels: the checkpoint copied with rows and columns left out, every value as it was stored.
import { dtypeBytes } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import { projections } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { type ModelCheckpoint, type StoredTensor, writeStored } from './checkpoint.ts';

/**
 * Writes `checkpoint` to `path` with only the channels (from 0, ascending) in `keep` for each layer named there (from 1), and
 * returns the new config, whose `intermediate_sizes` hold every layer's width.
 */
export async function writeNarrowed(
  checkpoint: ModelCheckpoint,
  keep: ReadonlyMap<number, Int32Array>,
  path: string,
  onProgress?: (done: number, total: number) => void,
): Promise<ModelConfig> {
  const { config, tokenizer, quantization } = checkpoint;
  if (quantization) {
    throw new UserError(
      `this model is quantised ('${quantization.scheme}'), and channels are removed from floats: prune before 'quantize'`,
    );
  }
  const tensors = new Map(checkpoint.tensors);
  for (const [layer, channels] of keep) {
    for (const projection of projections) {
      const name = tensorName(config, layer, projection);
      const tensor = tensors.get(name) as StoredTensor;
      tensors.set(name, projection === 'down' ? withColumns(tensor, channels) : withRows(tensor, channels));
    }
  }
  const narrowed = withWidths(config, keep);
  await writeStored(path, narrowed, tensors, tokenizer, onProgress);
  return narrowed;
}

function withWidths(config: ModelConfig, keep: ReadonlyMap<number, Int32Array>): ModelConfig {
  const widths = Array.from(
    { length: config.num_hidden_layers },
    (_, i) => keep.get(i + 1)?.length ?? mlpWidth(config, i + 1),
  );
  return { ...config, intermediate_sizes: widths };
}

/** The given rows of a matrix. */
function withRows({ dtype, shape, bytes }: StoredTensor, rows: Int32Array): StoredTensor {
  const [, width] = shape as [number, number];
  const rowBytes = width * dtypeBytes(dtype);
  return {
    dtype,
    shape: [rows.length, width],
    async bytes() {
      const all = await bytes();
      const chosen = new Uint8Array(rows.length * rowBytes);
      rows.forEach((row, i) => {
        chosen.set(all.subarray(row * rowBytes, (row + 1) * rowBytes), i * rowBytes);
      });
      return chosen;
    },
  };
}

/** The given columns of a matrix. */
function withColumns({ dtype, shape, bytes }: StoredTensor, columns: Int32Array): StoredTensor {
  const [height, width] = shape as [number, number];
  const halves = dtypeBytes(dtype) / 2; // every float type is a whole number of 16-bit words: copying those changes no bit
  return {
    dtype,
    shape: [height, columns.length],
    async bytes() {
      const all = wordsOf(await bytes());
      const chosen = new Uint16Array(height * columns.length * halves);
      let at = 0;
      for (let row = 0; row < height; row++) {
        for (const column of columns) {
          const from = (row * width + column) * halves;
          for (let half = 0; half < halves; half++) chosen[at++] = all[from + half] as number;
        }
      }
      return new Uint8Array(chosen.buffer);
    },
  };
}

function wordsOf(bytes: Uint8Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % 2 === 0 ? bytes : bytes.slice();
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}
