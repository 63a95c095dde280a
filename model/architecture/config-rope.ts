// What a config.json says of RoPE, in newer files under `rope_parameters`, in older ones under `rope_scaling` and at the top.
import { UserError } from '../../util/errors.ts';
import type { Fields } from './config-fields.ts';
import { readScaling, scaledKeys } from './config-rope-scaling.ts';
import type { RopeScaling } from './rope-scaling.ts';

interface Rope {
  readonly rope_theta: number;
  readonly rope_scaling: RopeScaling | null;
}
type Warn = (message: string) => void;

/** What those that read a config have to know of the rest of it. */
interface RopeContext {
  readonly max_position_embeddings: number;
  /** The theta of a config that names none. */
  readonly usual_theta: number;
}

const plainKeys = ['rope_type', 'type', 'rope_theta', 'partial_rotary_factor'];

/**
 * As transformers 5.24 settles it (convert_rope_params_to_dict): `rope_scaling`, where it says anything, takes the place of
 * `rope_parameters` as a whole; a theta within wins over the one at the top, that of the other of the two counts for nothing.
 */
export function ropeOf(fields: Fields, { max_position_embeddings, usual_theta }: RopeContext, warn: Warn): Rope {
  const scaling = filled(fields.object('rope_scaling'));
  const parameters = filled(fields.object('rope_parameters'));
  const settings = scaling ?? parameters;
  const rope_theta = (settings?.has('rope_theta') ? settings : fields).positive('rope_theta', usual_theta);
  const original = fields.integer('original_max_position_embeddings', 0, 2 ** 31, 0);
  const rope_scaling = settings ? scalingOf(settings, { max_position_embeddings, original }) : null;
  if (scaling && parameters && !isSame(scaling, parameters, fields)) {
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
  if (settings) warnOfKeys(settings, rope_scaling, warn);
  return { rope_theta, rope_scaling };
}

function filled(settings: Fields | null): Fields | undefined {
  return settings === null || settings.keys.length === 0 ? undefined : settings;
}

/** `rope_scaling`, from the end of `config.json: 'rope_scaling'`. */
function nameOf({ source }: Fields): string {
  return /'(\w+)'$/.exec(source)?.[1] ?? source;
}

/** True where both say the same of every key that is honoured; a theta at the top is that of one that has none. */
function isSame(a: Fields, b: Fields, top: Fields): boolean {
  const keys = [...new Set([...a.keys, ...b.keys])].filter((key) => key !== 'type' && key !== 'rope_type');
  const said = (settings: Fields, key: string) =>
    JSON.stringify(settings.raw(key) ?? (key === 'rope_theta' ? top.raw(key) : undefined));
  return typeOf(a) === typeOf(b) && keys.every((key) => said(a, key) === said(b, key));
}

function typeOf(settings: Fields): string {
  return settings.text('rope_type') ?? settings.text('type') ?? 'default';
}

function scalingOf(
  scaling: Fields,
  context: { readonly max_position_embeddings: number; readonly original: number },
): RopeScaling | null {
  refuseNested(scaling);
  const factor = scaling.has('partial_rotary_factor') ? scaling.positive('partial_rotary_factor') : 1;
  if (factor !== 1)
    throw new UserError(`${scaling.source}: 'partial_rotary_factor' is ${factor}: lamina turns whole heads`);
  return readScaling(scaling, context);
}

/** Other models have a set of parameters for each type of layer. */
function refuseNested(settings: Fields): void {
  const isNested = (key: string) => typeof settings.raw(key) === 'object' && settings.has(key);
  const nested = settings.keys.find((key) => isNested(key) && !key.endsWith('_factor')); // longrope has lists of factors
  if (nested === undefined) return;
  throw new UserError(`${settings.source}: '${nested}' is an object or a list: lamina has one RoPE for all layers`);
}

function warnOfKeys(settings: Fields, scaling: RopeScaling | null, warn: Warn): void {
  const name = nameOf(settings);
  const types = [settings.text('rope_type'), settings.text('type')];
  if (types[0] !== undefined && types[1] !== undefined && types[0] !== types[1]) {
    warn(`config.json: '${name}' has the 'rope_type' '${types[0]}' and the 'type' '${types[1]}': 'rope_type' is taken`);
  }
  const rope_type = scaling?.rope_type ?? 'default';
  const taken = [...plainKeys, ...scaledKeys[rope_type]];
  const left = settings.keys.filter((key) => !taken.includes(key) && settings.has(key));
  if (left.length === 0) return;
  const keys = left.slice(0, 8).map((key) => `'${key.slice(0, 60)}'`);
  warn(`config.json: ${keys.join(', ')} of '${name}' have no effect with RoPE of type '${rope_type}'`);
}
