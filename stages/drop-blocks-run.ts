// The work of drop-blocks: copy the checkpoint without the blocks that go.
import type { StageContext } from '../spec/stage.ts';
import { arrange } from './arrange-blocks.ts';
import { type DropBlocksParams, keptLayers } from './drop-blocks.ts';

export async function run(context: StageContext): Promise<void> {
  await arrange(context, (layers) => keptLayers(context.params as DropBlocksParams, layers));
}
