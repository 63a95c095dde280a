// Prompts that are read, and texts that are continued with the cache.
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { createModel } from '../../model/forward/model.ts';
import { createDecoder } from '../../model/generate/decoder.ts';
import { cached, decoding, meanMagnitude, repeat } from '../decoding.ts';
import type { Workload } from '../serve.ts';
import { readIntegers } from './arrays.ts';
import type { EngineInputs } from './inputs.ts';
import { batchCount } from './settings.ts';

type Inputs = Pick<EngineInputs, 'checkpoint' | 'arrays' | 'sizes'>;

/** A batch of prompts in a step; the value is the size of the first one's logits. */
export async function promptWorkload({ checkpoint, arrays, sizes }: Inputs): Promise<Workload> {
  const { weights } = await loadModel(checkpoint);
  const decoder = createDecoder(createModel(weights));
  const { batch, tokens } = sizes.prompt;
  const all = rowsOf(await readIntegers(arrays, 'prompt'), tokens);
  let step = 0;
  return repeat(async () => {
    const from = (step++ % batchCount) * batch;
    let value = 0;
    for await (const prompts of decoder.read(all.slice(from, from + batch))) {
      const first = prompts.find(({ number }) => number === 0);
      if (first !== undefined) value = meanMagnitude(first.logits);
    }
    return value;
  });
}

/** `texts` texts side by side. */
export async function decodeWorkload({ checkpoint, arrays, sizes }: Inputs, texts: number): Promise<Workload> {
  const { weights } = await loadModel(checkpoint);
  const model = createModel(weights);
  const { from, to } = sizes.decode;
  const prompts = rowsOf(await readIntegers(arrays, 'decode'), from).slice(0, texts);
  return decoding(model, { prompts, context: to }, cached(model, texts));
}

function rowsOf(values: Int32Array, width: number): number[][] {
  return Array.from({ length: values.length / width }, (_, i) => [...values.subarray(i * width, (i + 1) * width)]);
}
