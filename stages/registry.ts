// The stages, one line each: a new stage is a file and a line here.
import type { StageDefinition, StageRegistry } from '../spec/stage.ts';
import { captureActivations } from './capture-activations.ts';
import { dataset } from './dataset.ts';
import { dropBlocks } from './drop-blocks.ts';
import { exportStage } from './export.ts';
import { latency } from './latency.ts';
import { layerSimilarity } from './layer-similarity.ts';
import { lmEvalTasks } from './lm-eval-tasks.ts';
import { load } from './load.ts';
import { lora } from './lora.ts';
import { perplexityEval } from './perplexity-eval.ts';
import { plannedSize } from './planned-size.ts';
import { pretrain } from './pretrain.ts';
import { pruneChannels } from './prune-channels.ts';
import { pruneLayers } from './prune-layers.ts';
import { quantize } from './quantize.ts';
import { ratios } from './ratios.ts';
import { sft } from './sft.ts';
import { share } from './share.ts';
import { shareBlocks } from './share-blocks.ts';
import { slw } from './slw.ts';
import { taskData } from './task-data.ts';
import { trainTokenizer } from './train-tokenizer.ts';
import { weightDifference } from './weight-difference.ts';

const stages: StageDefinition[] = [
  load,
  dataset,
  trainTokenizer,
  pretrain,
  share,
  shareBlocks,
  layerSimilarity,
  pruneLayers,
  dropBlocks,
  pruneChannels,
  lora,
  captureActivations,
  slw,
  sft,
  perplexityEval,
  taskData,
  lmEvalTasks,
  weightDifference,
  ratios,
  plannedSize,
  quantize,
  exportStage,
  latency,
];

/** The stages that a spec can `use`, by name. */
export const stageRegistry: StageRegistry = new Map(stages.map((stage) => [stage.name, stage]));
