// What an adapter_config.json of PEFT says, as far as lamina can attach it: plain LoRA, and whole modules that were trained beside it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, parseStrictJson } from '../../formats/text/strict-json.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';

const configName = 'adapter_config.json';
const weightsName = 'adapter_model.safetensors';
const largestConfig = 2 ** 22;

/** Where an adapter lies. */
export interface AdapterFiles {
  readonly config: string;
  readonly weights: string;
}

/** LoRA by its numbers; modules are named from the model's root: `model.layers.0.mlp.up_proj`. */
export interface AdapterConfig {
  /** The model that it was trained on, as its maker called it. */
  readonly base: string | undefined;
  /** Modules that are stored whole, by the end of their names. */
  readonly saved: readonly string[];
  /** True where `target_modules` names the module; a pattern and `all-linear` name what the file holds. */
  isTarget(module: string): boolean;
  /** The rank that a module must have. */
  rankOf(module: string): number;
  /** By what B A is multiplied: alpha / r, with rslora alpha / sqrt(r). */
  scaleOf(module: string): number;
}

/** An adapter in a folder, and the folder of its base where that is at hand: the same, or one within. */
export interface FoundAdapter {
  readonly files: AdapterFiles;
  readonly base: string | undefined;
  /** What adapter_config.json calls its base. */
  readonly named: string | undefined;
}

/** The adapter in `folder`; undefined where there is none. */
export async function findAdapter(folder: string): Promise<FoundAdapter | undefined> {
  const path = join(folder, configName);
  const text = await readTextIfThere(path, 'adapter configuration', largestConfig);
  if (text === undefined) return undefined;
  const files = { config: path, weights: join(folder, weightsName) };
  const json = parseStrictJson(text, path, 16);
  const named = isRecord(json) ? json.base_model_name_or_path : undefined;
  const base = typeof named === 'string' ? named : undefined;
  const hasModel = (place: string) => isFile(join(place, 'config.json'));
  if (await hasModel(folder)) return { files, base: folder, named: base };
  // a path out of the folder would let it read what nobody named, and what no cache key holds
  const within = base !== undefined && /^[\w][\w-]*$/.test(base) ? join(folder, base) : undefined;
  return { files, base: within !== undefined && (await hasModel(within)) ? within : undefined, named: base };
}

/** The adapter of a folder that is named as one; UserError where there is none. */
export async function adapterIn(folder: string): Promise<AdapterFiles> {
  const found = await findAdapter(folder);
  if (found !== undefined) return found.files;
  throw new UserError(`adapter '${folder}': expected a folder with '${configName}', as PEFT saves it, got none`);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Without effect once an adapter is trained. */
const idle = [
  ...[
    'task_type',
    'inference_mode',
    'lora_dropout',
    'revision',
    'auto_mapping',
    'peft_version',
    'megatron_core',
    'layers_pattern',
  ],
  ...['layers_to_transform', 'exclude_modules', 'qalora_group_size', 'eva_config', 'runtime_config', 'parent_library'],
];
const honoured = [
  ...[
    'peft_type',
    'r',
    'lora_alpha',
    'target_modules',
    'rank_pattern',
    'alpha_pattern',
    'use_rslora',
    'modules_to_save',
  ],
  ...['base_model_name_or_path', 'init_lora_weights', 'bias', 'fan_in_fan_out'],
];
/** The others change the base, so that an adapter does not fit the one that is there. */
const inits = [true, false, 'gaussian', 'eva', 'orthogonal'];

/** Reads the parsed adapter_config.json found at `source`; a UserError for every kind of adapter that cannot be attached, by name. */
export function parseAdapterConfig(json: unknown, source: string): AdapterConfig {
  if (!isRecord(json)) throw new UserError(`${source}: expected a JSON object, got ${shown(json)}`);
  const refuse = (key: string, expected: string): never => {
    throw new UserError(`${source}: '${key}' must be ${expected}, got ${shown(json[key])}`);
  };
  if (json.peft_type !== 'LORA') refuse('peft_type', "'LORA' (other adapters are merged by PEFT: merge_and_unload)");
  refuseOthers(json, source);
  if (!inits.includes((json.init_lora_weights ?? true) as boolean)) {
    refuse(
      'init_lora_weights',
      'a start that leaves the base as it is (convert it with PEFT: path_initial_model_for_weight_conversion)',
    );
  }
  if ((json.bias ?? 'none') !== 'none') refuse('bias', "'none'");
  if ((json.fan_in_fan_out ?? false) !== false) refuse('fan_in_fan_out', 'false');
  const rank = positive(json.r) ?? refuse('r', 'a whole number greater than 0');
  if (!Number.isInteger(rank)) refuse('r', 'a whole number greater than 0');
  const alpha = typeof json.lora_alpha === 'number' ? json.lora_alpha : refuse('lora_alpha', 'a number');
  const ranks = patternOf(json, 'rank_pattern', source);
  const alphas = patternOf(json, 'alpha_pattern', source);
  const targets = targetsOf(json, source);
  const rankOf = (module: string) => matching(ranks, module) ?? rank;
  const isRooted = json.use_rslora === true;
  return {
    base: typeof json.base_model_name_or_path === 'string' ? json.base_model_name_or_path : undefined,
    saved: namesOf(json.modules_to_save ?? [], 'modules_to_save', source),
    isTarget: (module) => targets === undefined || targets.some((target) => endsWith(module, target)),
    rankOf,
    scaleOf: (module) => (matching(alphas, module) ?? alpha) / (isRooted ? Math.sqrt(rankOf(module)) : rankOf(module)),
  };
}

/** True where `module` is `name`, or ends with it after a dot. */
export function endsWith(module: string, name: string): boolean {
  return module === name || module.endsWith(`.${name}`);
}

/** Keys beside those of plain LoRA: each is another method as soon as it says something. */
function refuseOthers(json: Record<string, unknown>, source: string): void {
  const isEmpty = (value: unknown) =>
    value === null || value === false || (typeof value === 'object' && Object.keys(value as object).length === 0);
  const other = Object.keys(json).find((key) => !honoured.includes(key) && !idle.includes(key) && !isEmpty(json[key]));
  if (other === undefined) return;
  throw new UserError(
    `${source}: '${other}' is ${shown(json[other])}: lamina attaches plain LoRA; merge this adapter into its base with PEFT (merge_and_unload) and load the result`,
  );
}

function targetsOf(json: Record<string, unknown>, source: string): string[] | undefined {
  const { target_modules: value = null } = json;
  return value === null || typeof value === 'string' ? undefined : namesOf(value, 'target_modules', source);
}

function namesOf(value: unknown, key: string, source: string): string[] {
  if (Array.isArray(value) && value.every((name): name is string => typeof name === 'string')) return value;
  throw new UserError(`${source}: '${key}' must be a list of names, got ${shown(value)}`);
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

/** Module names to numbers. PEFT takes them for regular expressions: other than plain names are refused. */
function patternOf(json: Record<string, unknown>, key: string, source: string): [string, number][] {
  const value = json[key] ?? {};
  const entries = Object.entries(isRecord(value) ? value : { [String(value)]: undefined });
  return entries.map(([name, number]): [string, number] => {
    const found = positive(number);
    if (/^[\w.]+$/.test(name) && found !== undefined) return [name, found];
    throw new UserError(
      `${source}: '${key}' must map plain names of modules to numbers greater than 0, got ${shown({ [name]: number })}`,
    );
  });
}

/** Of the first name that `module` ends with. */
function matching(pattern: readonly [string, number][], module: string): number | undefined {
  return pattern.find(([name]) => endsWith(module, name))?.[1];
}
