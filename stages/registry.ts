// The stages, one line each: a new stage is a file and a line here.
import type { StageDefinition, StageRegistry } from '../spec/stage.ts';
import { captureActivations } from './capture-activations.ts';
import { dataset } from './dataset.ts';
import { exportStage } from './export.ts';
import { layerSimilarity } from './layer-similarity.ts';
import { lmEvalTasks } from './lm-eval-tasks.ts';
import { load } from './load.ts';
import { lora } from './lora.ts';
import { perplexityEval } from './perplexity-eval.ts';
import { pretrain } from './pretrain.ts';
import { pruneChannels } from './prune-channels.ts';
import { pruneLayers } from './prune-layers.ts';
import { quantize } from './quantize.ts';
import { ratios } from './ratios.ts';
import { sft } from './sft.ts';
import { share } from './share.ts';
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
  layerSimilarity,
  pruneLayers,
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
  quantize,
  exportStage,
];

/** The stages that a spec can `use`, by name. */
export const stageRegistry: StageRegistry = new Map(stages.map((stage) => [stage.name, stage]));
