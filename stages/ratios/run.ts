// The work of ratios: counting, from what files say of themselves; no tensor is read.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { StageInput } from '../../contract/stage.ts';
import { dtypeBytes } from '../../formats/tensors/dtype.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { type ModelCheckpoint, openStored } from '../../model/checkpoint/checkpoint.ts';
import { readReplacements, readRouting } from '../../model/checkpoint/recovery-file.ts';
import {
  compressionRatio,
  type Kept,
  recoveryParameters,
  storedBytes,
  storedMlpParameters,
  storedParameters,
  storedRatio,
} from '../../model/sharing/ratios.ts';
import { checkReplacements, dropsMlp, formatReplacements, type Replacement } from '../../model/sharing/replacement.ts';
import { joinRouting, type Routing } from '../../model/sharing/routing.ts';
import { UserError } from '../../util/errors.ts';
import { onlyFile } from '../common/model-input.ts';
import type { ratios } from './declare.ts';

type Context = ContextOf<typeof ratios>;

export async function countRatios({ inputs, units }: Context): Promise<void> {
  const [unit] = units;
  const original = await describe(inputs.model);
  const current = inputs.pruned === undefined ? original : await describe(inputs.pruned);
  checkDepth(original.config, current.config);
  const { config } = current;
  const replacements = await replacementsIn(inputs.recovery, config);
  const kept: Kept = { replacements, config, routing: await routingIn(inputs.recovery, config) };
  const counts = metricsOf(original.config, kept);
  const bytes = storedBytes(kept, (name) => dtypeBytes(current.tensors.get(name)?.dtype ?? 'F32'));
  const metrics = { ...counts, bytes };
  await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
  const { tau, s } = metrics;
  await unit.done({ tau, s });
}

function metricsOf(original: ModelConfig, kept: Kept) {
  return {
    tau: storedRatio(original, kept),
    s: compressionRatio(original, kept),
    mlp_parameters: storedMlpParameters(kept),
    recovery_parameters: recoveryParameters(kept),
    parameters: storedParameters(kept),
    layers: original.num_hidden_layers,
    targets: kept.replacements.filter(dropsMlp).length,
    map: formatReplacements(kept.replacements),
  };
}

async function describe(input: StageInput | undefined): Promise<Pick<ModelCheckpoint, 'config' | 'tensors'>> {
  const checkpoint = await openStored(onlyFile(input));
  await checkpoint.close();
  if (checkpoint.quantization === undefined) return checkpoint;
  throw new UserError(
    `stage 'ratios' counts parameters of models that are not quantised, got scheme '${checkpoint.quantization.scheme}': the bytes of that model are in output 'size' of its 'quantize'`,
  );
}

async function replacementsIn(input: StageInput | undefined, config: ModelConfig): Promise<Replacement[]> {
  const parts: Replacement[] = [];
  for (const path of Object.values(input?.files ?? {})) {
    parts.push(...(await readReplacements(path, config)));
    checkReplacements(config, parts, `recovery '${path}'`);
  }
  return parts.toSorted((a, b) => a.target - b.target);
}

async function routingIn(input: StageInput | undefined, config: ModelConfig): Promise<Routing | undefined> {
  const parts: { routing: Routing | undefined }[] = [];
  for (const path of Object.values(input?.files ?? {})) parts.push({ routing: await readRouting(path, config) });
  return joinRouting(parts, "input 'recovery'");
}

function checkDepth(original: ModelConfig, pruned: ModelConfig): void {
  const sizes = ({ num_hidden_layers, hidden_size }: ModelConfig) => `${num_hidden_layers} layers of ${hidden_size}`;
  if (sizes(original) === sizes(pruned)) return;
  throw new UserError(`input 'pruned' must come from input 'model', expected ${sizes(original)}, got ${sizes(pruned)}`);
}
