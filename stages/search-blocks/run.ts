// The work of search-blocks: search, and write the blocks that are left.
import { writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { writeArranged } from '../../model/checkpoint/blocks.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { type BlockSearch, livingLayers, searchStart, searchStep } from '../../model/measure/block-search.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, openModel } from '../common/model-input.ts';
import { openState } from '../common/search-state.ts';
import { type searchBlocks, searchSettings } from './declare.ts';

type Context = ContextOf<typeof searchBlocks>;

export async function removeBlocks(context: Context): Promise<void> {
  const [unit] = context.units;
  const found = await search(context);
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  try {
    const kept = livingLayers(checkpoint.config.num_hidden_layers, found);
    const config = await writeArranged(checkpoint, kept, unit.outputs.model, () => context.signal.throwIfAborted());
    const { removed } = found;
    const metrics = { layers: kept.length, nll: removed.at(-1)?.nll ?? 0, removed };
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    await unit.done({ ...modelFacts(config), stored_layers: kept.length, origins: kept, nll: metrics.nll });
  } finally {
    await checkpoint.close();
  }
}

/** The whole search; what it has found is kept after each batch of windows. */
async function search(context: Context): Promise<BlockSearch> {
  const [unit] = context.units;
  const { model, tokenizer, close } = await openModel(context);
  try {
    const settings = searchSettings(context.params, model.config.num_hidden_layers);
    const { windows } = await calibrationWindows(context, tokenizer, model.config.vocab_size, {
      need: "stage 'search-blocks' needs input 'data', the text that is to stay likely",
    });
    const batches = Math.ceil(windows.length / settings.batch_size);
    const state = openState<BlockSearch>(unit.scratch);
    let found = state.restored ?? searchStart;
    for (let next: BlockSearch | null = found; next !== null; ) {
      found = next;
      await state.save(found);
      const [done, total] = [found.removed.length * batches + found.batches, settings.count * batches];
      context.progress({ done, total, of: 'batch', note: found.removed.map(({ layer }) => layer).join(' ') });
      await nextTurn(); // lets a message of the runner in
      context.signal.throwIfAborted();
      next = await searchStep(model, windows, settings, found);
    }
    return found;
  } finally {
    close();
  }
}
