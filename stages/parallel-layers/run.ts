// The work of parallel-layers: write which layers run side by side, and count what that leaves to compute one after the other.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { type ModelConfig, mlpWidth } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { checkParallel, layerSteps, type ParallelLayers, parseParallel } from '../../model/sharing/parallel-layers.ts';
import { disposeRecovery, joinRecoveries } from '../../model/sharing/recovery.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { forwardFlops, type ModelShape, shapeOfFacts } from '../../model/sizes/costs.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import type { parallelLayers } from './declare.ts';

type Context = ContextOf<typeof parallelLayers>;

export async function pairLayers(context: Context): Promise<void> {
  const { params, inputs, units } = context;
  const [unit] = units;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const checkpoint = await openStored(onlyFile(inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const parallel = parseParallel(params.layers, params.variant, "'layers'");
  checkParallel(parallel, config.num_hidden_layers, "'layers'");
  const incoming = await incomingRecovery(inputs.recovery, config);
  try {
    const none = { replacements: [], parameters: new Map(), parallel };
    const recovery = joinRecoveries(config, [incoming, none], "stage 'parallel-layers'");
    await writeRecovery(unit.outputs.recovery, recovery);
    const counts = countsOf(config, parallel);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(counts, null, 2)}\n`);
    await unit.done({ ...recoveryFacts(config, recovery.replacements), depth: counts.depth });
  } finally {
    disposeRecovery(incoming);
  }
}

function countsOf(config: ModelConfig, parallel: ParallelLayers) {
  const { num_hidden_layers: layers } = config;
  const depth = layerSteps(layers, parallel).length;
  const original = forwardFlops(shapeOfFacts(modelFacts(config)) as ModelShape, { tokens: 1, length: 0 });
  return {
    layers,
    depth,
    pairs: layers - depth,
    operations_per_token: original + addedOperations(config, parallel),
    original_operations_per_token: original,
  };
}

/** released, on one device: gate and up see both norms, and half of what they make is used. */
function addedOperations(config: ModelConfig, { first, last, variant }: ParallelLayers): number {
  if (variant !== 'released') return 0;
  const widths = consecutive(first, last).map((layer) => mlpWidth(config, layer));
  return widths.reduce((sum, width) => sum + 4 * config.hidden_size * width, 0);
}
