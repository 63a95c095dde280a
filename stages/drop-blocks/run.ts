// The work of drop-blocks: copy the checkpoint without the blocks that go.
import type { ContextOf } from '../../contract/define.ts';
import { arrange } from '../common/arrange-blocks.ts';
import { type dropBlocks, keptLayers } from './declare.ts';

type Context = ContextOf<typeof dropBlocks>;

export async function arrangeKept(context: Context): Promise<void> {
  await arrange(context, (layers) => keptLayers(context.params, layers));
}
