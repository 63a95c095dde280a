// The work of share-blocks: copy the checkpoint, reading each target's block from its reference.
import type { StageContext } from '../spec/stage.ts';
import { arrange } from './arrange-blocks.ts';
import { type ShareBlocksParams, sourcesOf } from './share-blocks.ts';

export async function run(context: StageContext): Promise<void> {
  await arrange(context, (layers) => sourcesOf(context.params as ShareBlocksParams, layers));
}
