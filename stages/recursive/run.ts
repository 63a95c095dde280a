// The work of recursive: write the checkpoint of which each layer is a block of a few.
import type { ContextOf } from '../../contract/define.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeMixed } from '../../model/checkpoint/mixed-layers.ts';
import { recursion, recursiveLayers } from '../../model/sharing/recursion.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile } from '../common/model-input.ts';
import { recursionFacts, type recursive } from './declare.ts';

type Context = ContextOf<typeof recursive>;

export async function makeRecursive({ params, inputs, units, seed, signal, progress }: Context): Promise<void> {
  const [unit] = units;
  const checkpoint = await openStored(onlyFile(inputs.model));
  try {
    const made = recursion(params, checkpoint.config.num_hidden_layers, seed);
    const onProgress = (done: number, total: number) => {
      signal.throwIfAborted();
      progress({ done, total, of: 'tensor' });
    };
    const config = await writeMixed(checkpoint, recursiveLayers(made, params.norms), unit.outputs.model, onProgress);
    await unit.done({ ...modelFacts(config), ...recursionFacts(made) });
  } finally {
    await checkpoint.close();
  }
}
