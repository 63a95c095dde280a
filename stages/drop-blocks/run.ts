// The work of drop-blocks: copy the checkpoint without the blocks that go.
import type { StageContext } from '../../contract/stage.ts';
import { arrange } from '../common/arrange-blocks.ts';
import { type DropBlocksParams, keptLayers } from './declare.ts';

export async function arrangeKept(context: StageContext): Promise<void> {
  await arrange(context, (layers) => keptLayers(context.params as DropBlocksParams, layers));
}
