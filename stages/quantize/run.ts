// The work of quantize: plan, write the matrices one after the other, write the recovery, count the bytes.
import { stat, writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf, WorkOf } from '../../contract/define.ts';
import { embeddingName } from '../../model/architecture/tensors.ts';
import { type ModelCheckpoint, openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import { GptqPass } from '../../model/quantize/gptq-pass.ts';
import { type Quantizer, writeQuantized } from '../../model/quantize/model.ts';
import {
  arithmeticOf,
  needsData,
  planQuantization,
  type QuantizePlan,
  roundsActivations,
} from '../../model/quantize/plan.ts';
import { disposeRecovery, type Recovery } from '../../model/sharing/recovery.ts';
import { type ModelSize, modelSize } from '../../model/sizes/model-size.ts';
import { UserError } from '../../util/errors.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, startBackend, tokenizerOf } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import type { quantize } from './declare.ts';

type Context = ContextOf<typeof quantize>;
type Unit = WorkOf<typeof quantize>;

/** GPTQ keeps what it has done this often, between two layers; the windows of a large model are gigabytes. */
const saveEvery_ms = 60_000;

export async function quantizeModel(context: Context): Promise<void> {
  const [unit] = context.units;
  const { scheme } = context.params;
  // rounding itself is plain arithmetic; only GPTQ runs the model
  const { numerics } = context;
  await startBackend(needsData(scheme) ? context : { ...context, numerics: { ...numerics, backend: 'cpu' } });
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  const recovery = await incomingRecovery(context.inputs.recovery, checkpoint.config);
  try {
    if (checkpoint.quantization) {
      throw new UserError(
        `the model is quantised already ('${checkpoint.quantization.scheme}'): give 'quantize' the model from before`,
      );
    }
    const { config } = checkpoint;
    const params = context.params;
    const plan = planQuantization(config, recovery.replacements, params, checkpoint.storedAs);
    await writeModelFile(context, unit, checkpoint, plan, recovery);
    const recoveryBytes = await writeRecovery(unit.outputs.recovery, recovery, params.recovery_bits);
    const size = await writeSize(unit, { scheme, ...modelSize(config, plan, recoveryBytes) });
    const facts = { ...modelFacts(config), ...recoveryFacts(config, recovery.replacements) };
    await unit.done({ ...facts, scheme, unique_bytes: size.unique_bytes });
  } finally {
    disposeRecovery(recovery);
    await checkpoint.close();
  }
}

async function writeModelFile(
  context: Context,
  unit: Unit,
  checkpoint: ModelCheckpoint,
  plan: QuantizePlan,
  recovery: Recovery,
): Promise<void> {
  const { scheme } = context.params;
  const pass = needsData(scheme) ? await openPass(context, unit.scratch, checkpoint, plan, recovery) : undefined;
  const quantize: Quantizer = async (name, codec, shape) => {
    await nextTurn(); // lets a message of the runner in
    context.signal.throwIfAborted();
    if (pass !== undefined && name !== embeddingName) return pass.parts(name, codec, shape);
    return quantizePlain(name, codec, shape, await checkpoint.readFloat32(name), arithmeticOf(scheme));
  };
  const said = { scheme, activations: roundsActivations(scheme) ? ('int8' as const) : null };
  try {
    await writeQuantized(unit.outputs.model, checkpoint, plan, said, quantize, (done, total) => {
      context.progress({ done, total, of: 'tensor' });
    });
  } finally {
    await pass?.dispose();
  }
}

async function openPass(
  context: Context,
  scratch: string,
  checkpoint: ModelCheckpoint,
  plan: QuantizePlan,
  recovery: Recovery,
): Promise<GptqPass> {
  const { scheme, batch_size, damping, block_columns, act_order } = context.params;
  const need = `stage 'quantize' with scheme: ${scheme} needs input 'data' for the inputs of its matrices, or take another scheme`;
  const tokenizer = tokenizerOf(checkpoint.tokenizer);
  const { windows } = await calibrationWindows(context, tokenizer, checkpoint.config.vocab_size, { need });
  const settings = { damping, block_columns, act_order };
  const save = { folder: scratch, every_ms: saveEvery_ms };
  const onLayer = (done: number, total: number) => {
    context.signal.throwIfAborted();
    context.progress({ done, total, of: 'layer' });
  };
  return new GptqPass({ checkpoint, plan, scheme, recovery, windows, batch_size, settings, onLayer, save });
}

/** The counted bytes, and those of the files as they lie on disk, tokenizer and names included. */
async function writeSize<T extends ModelSize>(unit: Unit, counted: T): Promise<T> {
  const { model, recovery, size } = unit.outputs;
  const file_bytes = (await stat(model)).size + (await stat(recovery)).size;
  const megabytes = { unique_mb: counted.unique_bytes / 1e6, expanded_mb: counted.expanded_bytes / 1e6 };
  await writeFile(size, `${JSON.stringify({ ...counted, ...megabytes, file_bytes }, null, 2)}\n`);
  return counted;
}
