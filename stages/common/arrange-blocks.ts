// What share-blocks and drop-blocks do alike: write input `model` with its blocks in another arrangement.
import type { InputFiles, OutputPort, StageContext, UnitWork } from '../../contract/stage.ts';
import { writeArranged } from '../../model/checkpoint/blocks.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { modelFacts } from './model-facts.ts';
import { onlyFile } from './model-input.ts';

interface ArrangeContext extends Pick<StageContext, 'progress' | 'signal'> {
  readonly inputs: { readonly model: InputFiles };
  readonly units: readonly [ArrangeUnit];
}

type ArrangeUnit = Pick<UnitWork<unknown, { readonly model: OutputPort & { kind: 'checkpoint' } }>, 'outputs' | 'done'>;

/** Runs the stage's one unit; `sourcesOf` says for a model's depth which layer's block each new layer is. */
export async function arrange(context: ArrangeContext, sourcesOf: (layers: number) => number[]): Promise<void> {
  const [unit] = context.units;
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  try {
    const sources = sourcesOf(checkpoint.config.num_hidden_layers);
    const onProgress = (done: number, total: number) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    };
    const config = await writeArranged(checkpoint, sources, unit.outputs.model, onProgress);
    await unit.done({ ...modelFacts(config), stored_layers: new Set(sources).size, sources });
  } finally {
    await checkpoint.close();
  }
}
