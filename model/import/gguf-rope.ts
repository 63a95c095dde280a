// How a GGUF file says that RoPE is scaled: keys for linear scaling and YaRN, a tensor of factors for Llama 3's.
import type { GgufReader } from '../../formats/tensors/gguf-reader.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import type { Fields } from '../architecture/config-fields.ts';
import type { Llama3Scaling, RopeScaling } from '../architecture/rope-scaling.ts';
import { ropeFactors } from '../forward/rope.ts';
import { shortest } from './shortest.ts';

/** Keys behind the architecture's name. */
export const scalingKeys = [
  ...['rope.scaling.type', 'rope.scaling.factor', 'rope.scaling.original_context_length', 'rope.scaling.attn_factor'],
  ...[
    'rope.scaling.yarn_beta_fast',
    'rope.scaling.yarn_beta_slow',
    'rope.scaling.yarn_ext_factor',
    'rope.scale_linear',
  ],
];

/** The tensor of what frequencies are divided by. */
export const factorsName = 'rope_freqs.weight';

interface Rope {
  readonly head_dim: number;
  readonly rope_theta: number;
}

/** The scaling as config.json has it; null for none, a UserError for one that lamina does not compute. */
export async function ggufScaling(
  reader: Pick<GgufReader, 'tensors' | 'readFloat32'>,
  fields: Fields,
  key: (rest: string) => string,
  rope: Rope,
): Promise<RopeScaling | null> {
  const said = keyScaling(fields, key);
  if (!reader.tensors.has(factorsName)) return said;
  if (said !== null) {
    throw new UserError(
      `${fields.source}: expected '${key('rope.scaling.type')}' or a tensor '${factorsName}', got both`,
    );
  }
  const { shape } = reader.tensors.get(factorsName) as { shape: readonly number[] };
  if (shape.join() !== String(rope.head_dim / 2)) {
    throw new UserError(
      `${fields.source}: tensor '${factorsName}': expected [${rope.head_dim / 2}], got [${shape.join(', ')}]`,
    );
  }
  return factorScaling(await reader.readFloat32(factorsName), rope, fields.source);
}

function keyScaling(fields: Fields, key: (rest: string) => string): RopeScaling | null {
  const positive = (rest: string, otherwise?: number) => shortest(fields.positive(key(rest), otherwise));
  const older = fields.has(key('rope.scale_linear')) ? positive('rope.scale_linear') : 1;
  const type = fields.has(key('rope.scaling.type'))
    ? fields.oneOf(key('rope.scaling.type'), ['none', 'linear', 'yarn'])
    : older === 1
      ? 'none'
      : 'linear';
  if (type === 'none') return null;
  const factor = positive('rope.scaling.factor', older);
  if (type === 'linear') return factor === 1 ? null : { rope_type: 'linear', factor };
  // llama.cpp multiplies with 0.1 ln(factor) + 1 of its own accord
  const own = factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1;
  const blend = fields.raw(key('rope.scaling.yarn_ext_factor')) ?? 1;
  if (blend !== 1) {
    throw new UserError(
      `${fields.source}: '${key('rope.scaling.yarn_ext_factor')}' is ${shown(blend)}: lamina has YaRN's own ramp, which is 1`,
    );
  }
  return {
    rope_type: 'yarn',
    factor,
    original_max_position_embeddings: fields.integer(
      key('rope.scaling.original_context_length'),
      1,
      2 ** 31,
      fields.integer(key('context_length'), 1, 2 ** 31),
    ),
    attention_factor: own * positive('rope.scaling.attn_factor', 1),
    beta_fast: positive('rope.scaling.yarn_beta_fast', 32),
    beta_slow: positive('rope.scaling.yarn_beta_slow', 1),
    truncate: true,
  };
}

/** Of all published models; others are worked out. */
const usual = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
/** Factors are float32, and each program works them out in its own way. */
const tolerance = 1e-5;

/**
 * Llama 3's scaling of which the factors [hd/2] come: 1 for short wavelengths, `factor` for long ones, 1 / (b + (1 - b) / factor) between,
 * where b rises as a straight line with the frequency. Which low factor is meant is open where the others follow it; 1 is taken.
 */
function factorScaling(factors: Float32Array, rope: Rope, source: string): Llama3Scaling | null {
  const factor = shortest(factors.reduce((a, b) => Math.max(a, b), 0));
  if (factors.every((value) => value === 1)) return null;
  const candidates = [{ factor, ...usual }, lineThrough(factors, factor, rope)];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const scaling: Llama3Scaling = { rope_type: 'llama3', ...candidate };
    const made = ropeFactors({ ...rope, rope_scaling: scaling });
    if (made?.every((value, i) => Math.abs(value / (factors[i] as number) - 1) <= tolerance)) return scaling;
  }
  throw new UserError(
    `${source}: tensor '${factorsName}': its factors are not those of Llama 3's scaling of RoPE, which lamina computes; take the folder of the model that the file was made of`,
  );
}

/** The line through the first and the last dimension that are neither kept nor divided by the whole factor. */
function lineThrough(
  factors: Float32Array,
  factor: number,
  { head_dim, rope_theta }: Rope,
): Omit<Llama3Scaling, 'rope_type'> | undefined {
  const points = [...factors.keys()].flatMap((i) => {
    const value = factors[i] as number;
    const blend = (1 / value - 1 / factor) / (1 - 1 / factor);
    const turns = rope_theta ** ((-2 * i) / head_dim) / (2 * Math.PI); // of a position
    return value > 1 + tolerance && value < factor * (1 - tolerance) ? [{ blend, turns }] : [];
  });
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined || first === last) return undefined;
  const slope = (first.blend - last.blend) / (first.turns - last.turns);
  const below = slope * first.turns - first.blend; // low / (high - low)
  if (!(slope > 0 && below > 0)) return undefined;
  const exact = slope / below; // the original context where the low factor is 1
  const original_max_position_embeddings = Math.max(1, Math.round(exact));
  const low_freq_factor = original_max_position_embeddings / exact;
  return {
    factor,
    low_freq_factor,
    high_freq_factor: low_freq_factor * (1 + 1 / below),
    original_max_position_embeddings,
  };
}
