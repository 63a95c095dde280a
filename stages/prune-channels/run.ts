// The work of prune-channels: score the channels, choose, and copy the checkpoint without the others.
import type { ContextOf } from '../../contract/define.ts';
import { type ModelConfig, mlpWidth } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeNarrowed } from '../../model/checkpoint/narrow.ts';
import { channelsToKeep } from '../../model/measure/channel-choice.ts';
import { channelScores, reduceGroup } from '../../model/measure/channel-importance.ts';
import { needsNoData } from '../../model/measure/importances.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { UserError } from '../../util/errors.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, openModel } from '../common/model-input.ts';
import type { pruneChannels } from './declare.ts';

type Context = ContextOf<typeof pruneChannels>;

export async function narrowModel(context: Context): Promise<void> {
  const [unit] = context.units;
  const path = onlyFile(context.inputs.model);
  const { keep, joined } = await chooseChannels(context);
  const checkpoint = await openStored(path);
  try {
    const onProgress = (done: number, total: number) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    };
    const config = await writeNarrowed(checkpoint, keep, unit.outputs.model, onProgress);
    const widths = consecutive(1, config.num_hidden_layers).map((layer) => mlpWidth(config, layer));
    await unit.done({ ...modelFacts(config), widths, joined_windows: joined });
  } finally {
    await checkpoint.close();
  }
}

/** The channels that each layer keeps; the model is freed again when they are known. */
async function chooseChannels(context: Context): Promise<{ keep: Map<number, Int32Array>; joined: number }> {
  const { ratio, global, importance, group_reduction, ...params } = context.params;
  const { model, tokenizer, close } = await openModel(context);
  try {
    const layers = layersOf(params.layers, model.config);
    const { windows, joined } = needsNoData(importance)
      ? { windows: [], joined: 0 }
      : await calibrationWindows(context, tokenizer, model.config.vocab_size, {
          need: `stage 'prune-channels' with importance: ${importance} needs input 'data' for its gradients, or take importance: l1 or l2`,
        });
    const found = await channelScores(model, windows, layers, importance, (done, total) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'layer' });
    });
    const scores = new Map([...found].map(([layer, parts]) => [layer, reduceGroup(parts, group_reduction)]));
    return { keep: channelsToKeep(scores, { ratio, global }), joined };
  } finally {
    close();
  }
}

/** The layers of the parameter, or as SHARP adapts LLM-Pruner: all but the first two and the last. */
function layersOf(text: string | undefined, { num_hidden_layers: depth }: ModelConfig): number[] {
  if (text !== undefined) return parseLayers(text, depth);
  const layers = consecutive(3, depth - 1);
  if (layers.length > 0) return layers;
  throw new UserError(
    `a model of ${depth} layers has none beside the first two and the last: name the layers of 'prune-channels' with 'layers'`,
  );
}
