// The work of share-blocks: copy the checkpoint, reading each target's block from its reference.
import type { ContextOf } from '../../contract/define.ts';
import { arrange } from '../common/arrange-blocks.ts';
import { type shareBlocks, sourcesOf } from './declare.ts';

type Context = ContextOf<typeof shareBlocks>;

export async function arrangeShared(context: Context): Promise<void> {
  await arrange(context, (layers) => sourcesOf(context.params, layers));
}
