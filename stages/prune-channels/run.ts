// The work of prune-channels: score the channels, choose, and copy the checkpoint without the others.
import type { ContextOf } from '../../contract/define.ts';
import { type ModelConfig, mlpWidth } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeNarrowed } from '../../model/checkpoint/narrow.ts';
import { channelsToKeep } from '../../model/measure/channel-choice.ts';
import { chosenByVariation, type GroupScores, groupScores } from '../../model/measure/group-scores.ts';
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
  const { keep, joined, variation } = await chooseChannels(context);
  const checkpoint = await openStored(path);
  try {
    const onProgress = (done: number, total: number) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'tensor' });
    };
    const config = await writeNarrowed(checkpoint, keep, unit.outputs.model, onProgress);
    const widths = consecutive(1, config.num_hidden_layers).map((layer) => mlpWidth(config, layer));
    const chosen = variation && { narrowed: [...keep.keys()], variation };
    await unit.done({ ...modelFacts(config), widths, joined_windows: joined, ...chosen });
  } finally {
    await checkpoint.close();
  }
}

interface Chosen {
  /** The channels that each narrowed layer keeps. */
  readonly keep: Map<number, Int32Array>;
  readonly joined: number;
  /** How the importance of each layer varies over the windows, where layers were chosen by it. */
  readonly variation: Record<string, number> | undefined;
}

/** The model is freed again when the channels are known. */
async function chooseChannels(context: Context): Promise<Chosen> {
  const { ratio, global, importance, group_reduction, choose, count = 0, ...params } = context.params;
  const { model, tokenizer, close } = await openModel(context);
  try {
    const layers = layersOf(params.layers, model.config);
    if (count > layers.length) {
      throw new UserError(`'count' must be at most ${layers.length}, the layers to choose from, got ${count}`);
    }
    const { windows, joined } = needsNoData(importance)
      ? { windows: [], joined: 0 }
      : await calibrationWindows(context, tokenizer, model.config.vocab_size, {
          need: `stage 'prune-channels' with importance: ${importance} needs input 'data' for its gradients, or take importance: l1 or l2`,
        });
    const scoring = { importance, group_reduction, varies: choose !== undefined };
    const found = await groupScores(model, windows, layers, scoring, (done, total) => {
      context.signal.throwIfAborted();
      context.progress({ done, total, of: 'layer' });
    });
    const narrowed = choose === undefined ? layers : chosenByVariation(found, choose, count);
    const scores = new Map(narrowed.map((layer) => [layer, found.get(layer)?.scores as Float64Array]));
    const variation = choose && variationsOf(found);
    return { keep: channelsToKeep(scores, { ratio, global }), joined, variation };
  } finally {
    close();
  }
}

function variationsOf(found: ReadonlyMap<number, GroupScores>): Record<string, number> {
  return Object.fromEntries([...found].map(([layer, { variation }]) => [String(layer), variation ?? 0]));
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
