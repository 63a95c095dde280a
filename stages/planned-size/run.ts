// The work of planned-size: arithmetic on shapes.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import { knownModel, knownModelNames } from '../../model/architecture/known-models.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { type PlanSettings, planQuantization } from '../../model/quantize/plan.ts';
import { arrangedConfig, blockMap, inSourceLayer, keptSources, sharedSources } from '../../model/sharing/block-map.ts';
import { recoveryParameters } from '../../model/sharing/ratios.ts';
import { type RunReplacement, replacementsOf } from '../../model/sharing/replacement.ts';
import { modelSize } from '../../model/sizes/model-size.ts';
import { UserError } from '../../util/errors.ts';
import { replacementOf } from '../common/replacement.ts';
import type { PlannedSizeParams, plannedSize } from './declare.ts';

type Context = ContextOf<typeof plannedSize>;

const gigabyte = 1e9;

export async function countPlanned({ params, units }: Context): Promise<void> {
  const [unit] = units;
  const asked = params;
  const original_bytes = bytesOf({ ...asked, layers: 'own' });
  const bytes = bytesOf(asked);
  const metrics = { bytes, gb: bytes / gigabyte, ratio: bytes / original_bytes, original_bytes };
  await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
  await unit.done({ bytes });
}

/** Bytes of the model that `params` mean, each stored tensor once. */
function bytesOf(params: PlannedSizeParams): number {
  const { layers, candidate, rank, recovery_bits } = params;
  const config = configOf(params.model);
  const depth = config.num_hidden_layers;
  if (layers === 'drop_blocks')
    return sizeOf(arrangedConfig(config, keptSources(blockMap(params, depth), depth)), params);
  if (layers === 'share_blocks') {
    const sources = sharedSources(blockMap(params, depth), depth);
    return sizeOf(config, params, { storedAs: (name) => inSourceLayer(name, sources) });
  }
  if (layers === 'own') return sizeOf(config, params);
  const replacements = replacementsOf(replacementOf(params, depth), candidate, rank);
  const recovery = (recoveryParameters({ config, replacements }) * recovery_bits) / 8;
  return sizeOf(config, params, { replacements, recovery });
}

interface Sharing {
  readonly replacements?: readonly RunReplacement[];
  /** Bytes of the recovery parameters. */
  readonly recovery?: number;
  /** The tensor that stands for another. */
  storedAs?(name: string): string;
}

function sizeOf(config: ModelConfig, params: PlannedSizeParams, sharing: Sharing = {}): number {
  const { replacements = [], recovery = 0, storedAs } = sharing;
  return modelSize(config, planQuantization(config, replacements, settingsOf(params), storedAs), recovery).unique_bytes;
}

/** The defaults of quantize where this stage has no parameter. */
function settingsOf({ scheme, group_size, dtype }: PlannedSizeParams): PlanSettings {
  const codec = { bits: 4, symmetric: true, block_size: 64, double_quant: true } as const;
  return { ...codec, scheme, group_size, dtype, embedding_bits: 32, embedding_group_size: 0 };
}

function configOf(name: string): ModelConfig {
  const known = knownModel(name);
  if (known !== undefined) return parseConfig(known, `'${name}'`);
  const expected = knownModelNames.map((each) => `'${each}'`).join(' or ');
  throw new UserError(`model: the shape of '${name}' is not known, expected ${expected}`);
}
