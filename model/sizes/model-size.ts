// Bytes of a stored model by kind, each stored tensor once and with every layer expanded (methods E.6).
import type { ModelConfig } from '../architecture/model-config.ts';
import { kindOf, type TensorKind, tensorSpecs } from '../architecture/tensors.ts';
import { plannedBytes, type QuantizePlan } from '../quantize/plan.ts';

/** What a byte is spent on. */
export type SizeKind = TensorKind | 'recovery';

/** Bytes of tensors and recovery parameters; names, tokenizer and framing of the file come on top. */
export interface ModelSize {
  /** Each stored tensor once. */
  readonly unique_bytes: number;
  /** Every layer with tensors of its own, as formats need it that cannot share. */
  readonly expanded_bytes: number;
  /** Parts of unique_bytes. */
  readonly by_kind: Readonly<Record<SizeKind, number>>;
  /** Stored bits of a weight in the quantised matrices (32 or 16 when there are none). */
  readonly bits_per_weight: number;
}

/** The size of a model of `config` stored after `plan`, with `recovery` bytes of recovery parameters. */
export function modelSize(config: ModelConfig, plan: QuantizePlan, recovery: number): ModelSize {
  const by_kind = { embedding: 0, attention: 0, mlp: 0, head: 0, norms: 0, recovery };
  let expanded_bytes = recovery;
  let [bytes, weights] = [0, 0];
  for (const { name, shape, role } of tensorSpecs(config)) {
    const size = plannedBytes(plan, name, shape);
    expanded_bytes += size;
    if (plan.aliases.has(name)) continue;
    by_kind[kindOf(role)] += size;
    if (!plan.codecs.has(name)) continue;
    bytes += size;
    weights += shape.reduce((a, b) => a * b, 1);
  }
  const unique_bytes = Object.values(by_kind).reduce((a, b) => a + b);
  const floats = plan.dtype === 'F32' ? 32 : 16;
  return { unique_bytes, expanded_bytes, by_kind, bits_per_weight: weights === 0 ? floats : (8 * bytes) / weights };
}
