// The stages, one line each: a new stage is a folder and a line here.
import { stage } from '../contract/define.ts';
import type { StageDefinition, StageRegistry } from '../contract/stage.ts';
import { captureActivations } from './capture-activations/declare.ts';
import { command } from './command/declare.ts';
import { dataset } from './dataset/declare.ts';
import { dropBlocks } from './drop-blocks/declare.ts';
import { exportStage } from './export/declare.ts';
import { fitLayerStage } from './fit-layer/declare.ts';
import { hiddenStates } from './hidden-states/declare.ts';
import { latency } from './latency/declare.ts';
import { layerSimilarity } from './layer-similarity/declare.ts';
import { lmEvalTasks } from './lm-eval-tasks/declare.ts';
import { load } from './load/declare.ts';
import { lora } from './lora/declare.ts';
import { mergeLayers } from './merge-layers/declare.ts';
import { parallelLayers } from './parallel-layers/declare.ts';
import { perplexityEval } from './perplexity-eval/declare.ts';
import { plannedSize } from './planned-size/declare.ts';
import { pretrain } from './pretrain/declare.ts';
import { pruneChannels } from './prune-channels/declare.ts';
import { pruneLayers } from './prune-layers/declare.ts';
import { quantize } from './quantize/declare.ts';
import { ratios } from './ratios/declare.ts';
import { recursive } from './recursive/declare.ts';
import { relax } from './relax/declare.ts';
import { rollingPerplexityStage } from './rolling-perplexity/declare.ts';
import { searchBlocks } from './search-blocks/declare.ts';
import { sft } from './sft/declare.ts';
import { share } from './share/declare.ts';
import { shareBasis } from './share-basis/declare.ts';
import { shareBlocks } from './share-blocks/declare.ts';
import { skipSublayers } from './skip-sublayers/declare.ts';
import { slw } from './slw/declare.ts';
import { splitExperts } from './split-experts/declare.ts';
import { taskData } from './task-data/declare.ts';
import { trainRoutersStage } from './train-routers/declare.ts';
import { trainTokenizer } from './train-tokenizer/declare.ts';
import { weightDifference } from './weight-difference/declare.ts';

const stages: StageDefinition[] = [
  stage(load, async () => (await import('./load/run.ts')).loadModel),
  stage(dataset, async () => (await import('./dataset/run.ts')).makeDataset),
  stage(trainTokenizer, async () => (await import('./train-tokenizer/run.ts')).makeTokenizer),
  stage(pretrain, async () => (await import('./pretrain/run.ts')).pretrainModel),
  stage(share, async () => (await import('./share/run.ts')).makeShared),
  stage(shareBlocks, async () => (await import('./share-blocks/run.ts')).arrangeShared),
  stage(shareBasis, async () => (await import('./share-basis/run.ts')).shareBases),
  stage(recursive, async () => (await import('./recursive/run.ts')).makeRecursive),
  stage(relax, async () => (await import('./relax/run.ts')).relaxLayers),
  stage(layerSimilarity, async () => (await import('./layer-similarity/run.ts')).measureSimilarity),
  stage(pruneLayers, async () => (await import('./prune-layers/run.ts')).choosePruned),
  stage(skipSublayers, async () => (await import('./skip-sublayers/run.ts')).skipChosen),
  stage(parallelLayers, async () => (await import('./parallel-layers/run.ts')).pairLayers),
  stage(splitExperts, async () => (await import('./split-experts/run.ts')).cutExperts),
  stage(trainRoutersStage, async () => (await import('./train-routers/run.ts')).fitRouters),
  stage(mergeLayers, async () => (await import('./merge-layers/run.ts')).mergeSimilar),
  stage(searchBlocks, async () => (await import('./search-blocks/run.ts')).removeBlocks),
  stage(fitLayerStage, async () => (await import('./fit-layer/run.ts')).fitOneLayer),
  stage(dropBlocks, async () => (await import('./drop-blocks/run.ts')).arrangeKept),
  stage(pruneChannels, async () => (await import('./prune-channels/run.ts')).narrowModel),
  stage(lora, async () => (await import('./lora/run.ts')).startLora),
  stage(captureActivations, async () => (await import('./capture-activations/run.ts')).captureInputs),
  stage(slw, async () => (await import('./slw/run.ts')).warmUpPairs),
  stage(sft, async () => (await import('./sft/run.ts')).fineTune),
  stage(hiddenStates, async () => (await import('./hidden-states/run.ts')).keepHiddenStates),
  stage(perplexityEval, async () => (await import('./perplexity-eval/run.ts')).measurePerplexity),
  stage(rollingPerplexityStage, async () => (await import('./rolling-perplexity/run.ts')).measureRolling),
  stage(taskData, async () => (await import('./task-data/run.ts')).gatherTaskData),
  stage(lmEvalTasks, async () => (await import('./lm-eval-tasks/run.ts')).scoreTasks),
  stage(weightDifference, async () => (await import('./weight-difference/run.ts')).measureDifference),
  stage(ratios, async () => (await import('./ratios/run.ts')).countRatios),
  stage(plannedSize, async () => (await import('./planned-size/run.ts')).countPlanned),
  stage(quantize, async () => (await import('./quantize/run.ts')).quantizeModel),
  stage(exportStage, async () => (await import('./export/run.ts')).exportModel),
  stage(command, async () => (await import('./command/run.ts')).runCommand),
  stage(latency, async () => (await import('./latency/run.ts')).measureLatency),
];

/** The stages that a spec can `use`, by name. */
export const stageRegistry: StageRegistry = new Map(stages.map((stage) => [stage.name, stage]));
