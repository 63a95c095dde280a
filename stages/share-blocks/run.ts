// The work of share-blocks: copy the checkpoint, reading each target's block from its reference.
import type { StageContext } from '../../contract/stage.ts';
import { arrange } from '../common/arrange-blocks.ts';
import { type ShareBlocksParams, sourcesOf } from './declare.ts';

export async function arrangeShared(context: StageContext): Promise<void> {
  await arrange(context, (layers) => sourcesOf(context.params as ShareBlocksParams, layers));
}
