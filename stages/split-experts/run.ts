// The work of split-experts: routers at their start beside what came in, and what a token takes.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { type ModelConfig, mlpWidth } from '../../model/architecture/model-config.ts';
import { type Values, variablesOf } from '../../model/architecture/weights.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { disposeRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { type Routing, routerParameters, routerShapes } from '../../model/sharing/routing.ts';
import { forwardFlops, type ModelShape, shapeOfFacts } from '../../model/sizes/costs.ts';
import { createRandom } from '../../util/random.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { modelFacts } from '../common/model-facts.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { routingOf, type splitExperts } from './declare.ts';

type Context = ContextOf<typeof splitExperts>;

export async function cutExperts(context: Context): Promise<void> {
  const { params, inputs, units, seed } = context;
  const [unit] = units;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const checkpoint = await openStored(onlyFile(inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const parts: Recovery[] = [await incomingRecovery(inputs.recovery, config)];
  try {
    const routing = routingOf(params, config.num_hidden_layers);
    const routers = variablesOf(startedRouters(config, routing, seed));
    parts.push({ replacements: [], parameters: new Map(), routing: { ...routing, routers } });
    const recovery = joinRecoveries(config, parts, "stage 'split-experts'");
    await writeRecovery(unit.outputs.recovery, recovery);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(countsOf(config, routing), null, 2)}\n`);
    const router_parameters = routerParameters(config, routing);
    await unit.done({ ...recoveryFacts(config, recovery.replacements), router_parameters });
  } finally {
    parts.forEach(disposeRecovery);
  }
}

/** As PyTorch's linear layer starts: all numbers uniform up to 1 / sqrt(D). What a layer gets depends on the seed and itself alone. */
function startedRouters(config: ModelConfig, routing: Routing, seed: number): Map<string, Values> {
  const bound = 1 / Math.sqrt(config.hidden_size);
  const routers = new Map<string, Values>();
  for (const [name, shape] of routerShapes(config, routing)) {
    const random = createRandom('router', seed, name);
    const size = shape.reduce((a, b) => a * b, 1);
    routers.set(name, { shape, values: Float32Array.from({ length: size }, () => (2 * random.uniform() - 1) * bound) });
  }
  return routers;
}

function countsOf(config: ModelConfig, routing: Routing) {
  const { layers, experts, active } = routing;
  const original = forwardFlops(shapeOfFacts(modelFacts(config)) as ModelShape, { tokens: 1, length: 0 });
  const left = layers.reduce((sum, layer) => sum + 6 * config.hidden_size * mlpWidth(config, layer), 0);
  const routed = original - (1 - active / experts) * left + 2 * config.hidden_size * experts * layers.length;
  return {
    layers: layers.length,
    experts,
    active,
    router_parameters: routerParameters(config, routing),
    operations_per_token: routed,
    original_operations_per_token: original,
    operations_ratio: routed / original,
  };
}
