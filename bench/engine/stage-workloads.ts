// Whole stages, from their input files to their outputs, as a worker runs them.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Facts, Numerics, StageInput } from '../../contract/stage.ts';
import { initOf } from '../../model/methods/registry.ts';
import type { Pair } from '../../model/sharing/sharing.ts';
import { captureUnit } from '../../stages/capture-activations/declare.ts';
import { measurePerplexity } from '../../stages/perplexity-eval/run.ts';
import { fineTune } from '../../stages/sft/run.ts';
import { warmUpPairs } from '../../stages/slw/run.ts';
import { repeat } from '../decoding.ts';
import { workFolder } from '../place.ts';
import type { Workload } from '../serve.ts';
import type { EngineInputs } from './inputs.ts';
import { seed } from './settings.ts';
import { evaluationParams, sftStageParams, slwParams } from './stage-params.ts';

type Inputs = Omit<EngineInputs, 'config'>;

/** perplexity-eval; the value is the mean of the negative log-likelihoods. */
export async function evaluationWorkload(inputs: Inputs, threads: number): Promise<Workload> {
  const params = evaluationParams(inputs, threads);
  return repeat(async () => {
    const outputs = { metrics: freshPath('metrics.json') };
    await measurePerplexity({
      ...surroundings(threads),
      params,
      inputs: {
        model: onlyFile(inputs.checkpoint),
        recovery: undefined,
        data: onlyFile(inputs.evaluationData),
        beginning: undefined,
      },
      units: [{ name: '', params, outputs, scratch: freshFolder(), done: async () => {} }],
    });
    return numberIn(outputs.metrics, 'mean_nll');
  });
}

/** The unit of slw that fits the first pair; the value is the last step's loss. */
export async function slwWorkload(inputs: Inputs, threads: number): Promise<Workload> {
  const params = slwParams(inputs, threads);
  const { type: _type, map: _map, match_rank: _match, ...rest } = params;
  const { reference, target } = inputs.pairs[0] as Pair;
  return repeat(async () => {
    let facts: Facts = {};
    const done = async (found: Facts = {}) => {
      facts = found;
    };
    const outputs = { recovery: freshPath('slw.arrow') };
    const own = { ...rest, rank: inputs.rank, init: initOf(params.candidate, params.init), reference, target };
    await warmUpPairs({
      ...surroundings(threads),
      params,
      inputs: {
        model: onlyFile(inputs.checkpoint),
        activations: unitFile(captureUnit(target), inputs.activations),
      },
      units: [{ name: `${reference}→${target}`, params: own, outputs, scratch: freshFolder(), done }],
    });
    return facts.last_loss as number;
  });
}

/** sft; the value is the last step's loss, to five digits. */
export async function sftWorkload(inputs: Inputs, threads: number): Promise<Workload> {
  const params = sftStageParams(inputs, threads);
  return repeat(async () => {
    const outputs = { recovery: freshPath('sft.arrow'), curve: freshPath('curve.json') };
    await fineTune({
      ...surroundings(threads),
      params,
      inputs: {
        model: onlyFile(inputs.checkpoint),
        recovery: onlyFile(inputs.recovery),
        teacher: undefined,
        data: onlyFile(inputs.trainingData),
      },
      units: [{ name: '', params, outputs, scratch: freshFolder(), done: async () => {} }],
    });
    return numberIn(outputs.curve, 'final_loss');
  });
}

/** How long, and in what, `sftOfSteps` trains. */
export interface StepsOfSft {
  threads: number;
  steps: number;
  precision?: Numerics['precision'];
}

/** sft, one record a step, round and round until `steps` are done; `onStep` is told of each. Gives the losses, to five digits. */
export async function sftOfSteps(
  inputs: Inputs,
  { threads, steps, precision }: StepsOfSft,
  onStep: (step: number) => void = () => {},
): Promise<number[]> {
  const curve = freshPath('curve.json');
  const epochs = Math.ceil(steps / inputs.trained.lengths.length);
  const params = { ...sftStageParams(inputs, threads), batch_size: 1, micro_batch: 1, epochs, max_steps: steps };
  await fineTune({
    ...surroundings(threads, precision),
    progress: ({ done }) => onStep(done),
    params,
    inputs: {
      model: onlyFile(inputs.checkpoint),
      recovery: onlyFile(inputs.recovery),
      teacher: undefined,
      data: onlyFile(inputs.trainingData),
    },
    units: [
      {
        name: '',
        params,
        outputs: { recovery: freshPath('sft.arrow'), curve },
        scratch: freshFolder(),
        done: async () => {},
      },
    ],
  });
  return (JSON.parse(readFileSync(curve, 'utf8')) as { loss: number[] }).loss;
}

/** What a stage is given whatever it is. */
function surroundings(threads: number, precision: Numerics['precision'] = 'float32') {
  const numerics: Numerics = { backend: 'onnx', provider: 'cpu', precision, threads };
  return { seed, numerics, progress() {}, warn() {}, signal: new AbortController().signal };
}

function onlyFile(path: string): StageInput {
  return unitFile('', path);
}

/** No state that was kept of it is read, so its path will do for a digest. */
function unitFile(unit: string, path: string): StageInput {
  return { files: { [unit]: path }, digests: { [unit]: path }, facts: {} };
}

/** A scratch folder with nothing in it, or a stage would go on where its last round ended. */
function freshFolder(): string {
  const folder = join(workFolder('engine', 'outputs'), 'scratch');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  return folder;
}

function freshPath(name: string): string {
  const path = join(workFolder('engine', 'outputs'), name);
  rmSync(path, { force: true });
  return path;
}

function numberIn(path: string, field: string): number {
  return (JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>)[field] as number;
}
