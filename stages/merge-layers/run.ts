// The work of merge-layers: search, and write the layers that are left.
import { writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeMixed } from '../../model/checkpoint/mixed-layers.ts';
import { compareOutputs, isMerging, type MergeSearch, mergeStart, tryMerge } from '../../model/measure/merge-search.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, openModel } from '../common/model-input.ts';
import { openState } from '../common/search-state.ts';
import { type mergeLayers, mergeSettings } from './declare.ts';

type Context = ContextOf<typeof mergeLayers>;

export async function mergeSimilar(context: Context): Promise<void> {
  const [unit] = context.units;
  const { layers, tries } = await search(context);
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  try {
    const onProgress = (done: number, total: number) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    };
    const config = await writeMixed(checkpoint, layers, unit.outputs.model, onProgress);
    const removed = checkpoint.config.num_hidden_layers - layers.length;
    const similarity = tries.findLast(({ accepted }) => accepted)?.similarity ?? 1;
    if (removed === 0)
      context.warn(`no merge had a similarity above ${context.params.threshold}: the model is as it was`);
    const metrics = { layers: layers.length, removed, similarity, tries };
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    const origins = layers.map(({ base }) => base);
    await unit.done({ ...modelFacts(config), stored_layers: layers.length, origins, similarity });
  } finally {
    await checkpoint.close();
  }
}

/** The whole search; what it has found is kept after each try. */
async function search(context: Context): Promise<MergeSearch> {
  const [unit] = context.units;
  const { model, tokenizer, close } = await openModel(context);
  try {
    const depth = model.config.num_hidden_layers;
    const settings = mergeSettings(context.params, depth);
    const { windows } = await calibrationWindows(context, tokenizer, model.config.vocab_size, {
      need: "stage 'merge-layers' needs input 'data' to compare outputs on",
    });
    const state = openState<MergeSearch>(unit.scratch);
    let found = state.restored ?? mergeStart(depth, settings);
    const outputs = compareOutputs(model, windows);
    while (isMerging(found, settings)) {
      context.signal.throwIfAborted();
      found = await tryMerge(found, settings, outputs.similarity);
      await state.save(found);
      context.progress({ done: found.tries.length, total: found.tries.length + found.at + 1, of: 'merge' });
      await nextTurn(); // lets a message of the runner in
    }
    outputs.dispose();
    return found;
  } finally {
    close();
  }
}
