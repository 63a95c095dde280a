// What a config.json says of RoPE, in newer files under `rope_parameters`, in older ones under `rope_scaling` and at the top.
import { UserError } from '../../util/errors.ts';
import type { Fields } from './config-fields.ts';

interface Rope {
  readonly rope_theta: number;
  readonly rope_scaling: Llama3Scaling | null;
}
type Warn = (message: string) => void;

const usualTheta = 10000;
const honoured = [
  ...['rope_type', 'type', 'rope_theta', 'factor', 'low_freq_factor', 'high_freq_factor'],
  ...['original_max_position_embeddings', 'partial_rotary_factor'],
];
/** Keys that only the types have that are scaled. */
const scaledKeys = ['factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings'];

/**
 * As transformers 5.24 settles it (convert_rope_params_to_dict): `rope_scaling`, where it says anything, takes the place of
 * `rope_parameters` as a whole; a theta within wins over the one at the top, that of the other of the two counts for nothing.
 */
export function ropeOf(fields: Fields, max_position_embeddings: number, warn: Warn): Rope {
  const scaling = filled(fields.object('rope_scaling'));
  const parameters = filled(fields.object('rope_parameters'));
  const settings = scaling ?? parameters;
  const rope_theta = (settings?.has('rope_theta') ? settings : fields).positive('rope_theta', usualTheta);
  const rope_scaling = settings ? scalingOf(settings, max_position_embeddings) : null;
  if (scaling && parameters && !isSame(scaling, parameters)) {
    warn(
      `config.json has both 'rope_parameters' and 'rope_scaling': 'rope_scaling' is taken as a whole, as transformers does, with a theta of ${rope_theta}`,
    );
  } else if (settings?.has('rope_theta') && fields.has('rope_theta')) {
    const top = fields.positive('rope_theta');
    if (top !== rope_theta)
      warn(
        `config.json has two values of 'rope_theta': ${rope_theta} within '${nameOf(settings)}' is taken, ${top} is not`,
      );
  }
  if (settings) warnOfKeys(settings, rope_scaling !== null, warn);
  return { rope_theta, rope_scaling };
}

function filled(settings: Fields | null): Fields | undefined {
  return settings === null || settings.keys.length === 0 ? undefined : settings;
}

/** `rope_scaling`, from the end of `config.json: 'rope_scaling'`. */
function nameOf({ source }: Fields): string {
  return /'(\w+)'$/.exec(source)?.[1] ?? source;
}

/** True where both say the same of every key that is honoured. */
function isSame(a: Fields, b: Fields): boolean {
  return honoured.every((key) => JSON.stringify(a.raw(key)) === JSON.stringify(b.raw(key)));
}

function scalingOf(scaling: Fields, max_position_embeddings: number): Llama3Scaling | null {
  refuseNested(scaling);
  const factor = scaling.has('partial_rotary_factor') ? scaling.positive('partial_rotary_factor') : 1;
  if (factor !== 1)
    throw new UserError(`${scaling.source}: 'partial_rotary_factor' is ${factor}: lamina turns whole heads`);
  const type = scaling.has('rope_type') ? 'rope_type' : 'type';
  if (!scaling.has(type)) return null;
  if (scaling.oneOf(type, ['default', 'llama3']) === 'default') return null;
  const low = scaling.positive('low_freq_factor');
  const high = scaling.positive('high_freq_factor');
  if (high <= low) {
    throw new UserError(
      `${scaling.source}: 'high_freq_factor' must be greater than 'low_freq_factor' (${low}), got ${high}`,
    );
  }
  return {
    factor: scaling.positive('factor'),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: scaling.integer(
      'original_max_position_embeddings',
      1,
      2 ** 31,
      max_position_embeddings,
    ),
  };
}

/** Other models have a set of parameters for each type of layer. */
function refuseNested(settings: Fields): void {
  const nested = settings.keys.find((key) => typeof settings.raw(key) === 'object' && settings.has(key));
  if (nested === undefined) return;
  throw new UserError(`${settings.source}: '${nested}' is an object or a list: lamina has one RoPE for all layers`);
}

function warnOfKeys(settings: Fields, isScaled: boolean, warn: Warn): void {
  const name = nameOf(settings);
  const types = [settings.text('rope_type'), settings.text('type')];
  if (types[0] !== undefined && types[1] !== undefined && types[0] !== types[1]) {
    warn(`config.json: '${name}' has the 'rope_type' '${types[0]}' and the 'type' '${types[1]}': 'rope_type' is taken`);
  }
  const taken = isScaled ? honoured : honoured.filter((key) => !scaledKeys.includes(key));
  const left = settings.keys.filter((key) => !taken.includes(key) && settings.has(key));
  if (left.length === 0) return;
  const keys = left.slice(0, 8).map((key) => `'${key.slice(0, 60)}'`);
  warn(
    `config.json: ${keys.join(', ')} of '${name}' have no effect with RoPE of type '${isScaled ? 'llama3' : 'default'}'`,
  );
}

/** RoPE scaling of Llama 3.1 and later (`rope_type: llama3`). */
export interface Llama3Scaling {
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}
