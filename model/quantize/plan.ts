// Which tensors of a model a scheme quantises, how, and which are not stored at all. Light: planning counts bytes with it.
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { matrixRoles } from '../architecture/roles.ts';
import { embeddingName, headName, tensorName, tensorShapes } from '../architecture/tensors.ts';
import type { Quantization } from '../codec/quantization.ts';
import type { Codec } from '../codec/quantize-codec.ts';
import { matrixShape, storedBytes } from '../codec/quantize-codec.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { hasTensor, standIns, tensorSources } from '../sharing/sources.ts';

/** The schemes, by what they do to a weight. */
export const schemes = ['float', 'rtn', '8da4w', 'nf4', 'gptq', '8da4w-gptq'] as const;
export type Scheme = (typeof schemes)[number];

/** How a model is quantised. */
export interface PlanSettings {
  readonly scheme: Scheme;
  /** Of rtn and gptq; the others have 4. */
  readonly bits: 4 | 8;
  /** Of rtn and gptq; 8da4w is symmetric. */
  readonly symmetric: boolean;
  /** Columns that share a scale; 0: the whole row. Not for nf4. */
  readonly group_size: number;
  /** Type of the scales of rtn and gptq. */
  readonly scale_dtype?: 'F32' | 'F16' | undefined;
  /** Values that share a magnitude in nf4. */
  readonly block_size: number;
  /** nf4: the magnitudes are quantised too. */
  readonly double_quant: boolean;
  /** Whether the output head is quantised; default: with 8da4w, as torchao does, where bitsandbytes and GPTQ leave it. */
  readonly head?: boolean | undefined;
  /** 32: the embedding stays as it is. */
  readonly embedding_bits: 32 | 8 | 4;
  readonly embedding_group_size: number;
  /** Type of what is not quantised. */
  readonly dtype: 'F32' | 'F16' | 'BF16';
}

/** What becomes of each tensor. */
export interface QuantizePlan {
  /** By name; all that are stored and not here are floats of `dtype`. */
  readonly codecs: ReadonlyMap<string, Codec>;
  /** Stored in another's place: the MLPs of layers that share one. */
  readonly aliases: ReadonlyMap<string, string>;
  /** Not stored: pruned MLPs, and matrices that are products of recovery parameters. */
  readonly absent: ReadonlySet<string>;
  readonly dtype: 'F32' | 'F16' | 'BF16';
}

/** True where a scheme rounds activations too. */
export function roundsActivations(scheme: Scheme): boolean {
  return scheme.startsWith('8da4w');
}

/** Whose arithmetic a scheme rounds weights with. */
export function arithmeticOf(scheme: Scheme): 'torchao' | 'gptq' {
  return roundsActivations(scheme) ? 'torchao' : 'gptq';
}

/** True where a scheme needs data. */
export function needsData(scheme: Scheme): boolean {
  return scheme.endsWith('gptq');
}

/**
 * The plan for a model of `config` with `replacements` on top; `storedAs` names the tensor that stands for another already. A
 * UserError where 8da4w's groups do not fit.
 */
export function planQuantization(
  config: ModelConfig,
  replacements: readonly Replacement[],
  settings: PlanSettings,
  storedAs: (name: string) => string = (name) => name,
): QuantizePlan {
  const sources = tensorSources(config, replacements, storedAs);
  const aliases = standIns(sources);
  const absent = new Set([...sources].filter(([, source]) => !hasTensor(source)).map(([name]) => name));
  const shapes = tensorShapes(config);
  const codecs = new Map<string, Codec>();
  for (const [name, codec] of codecsOf(config, settings)) {
    if (aliases.has(name) || absent.has(name)) continue;
    if (roundsActivations(settings.scheme) && name !== embeddingName) checkGroups(name, shapes.get(name), settings);
    codecs.set(name, codec);
  }
  return { codecs, aliases, absent, dtype: settings.dtype };
}

function codecsOf(config: ModelConfig, settings: PlanSettings): Map<string, Codec> {
  const { scheme, head = roundsActivations(scheme) } = settings;
  const codecs = new Map<string, Codec>(embeddingCodec(settings));
  const codec = linearCodec(settings);
  if (codec === undefined) return codecs;
  for (let layer = 1; layer <= config.num_hidden_layers; layer++) {
    for (const role of matrixRoles) codecs.set(tensorName(config, layer, role), codec);
  }
  if (head && !config.tie_word_embeddings) codecs.set(headName, codec);
  return codecs;
}

function embeddingCodec({
  embedding_bits: bits,
  embedding_group_size: group_size,
}: Omit<PlanSettings, 'dtype'>): [string, Codec][] {
  if (bits === 32) return [];
  return [[embeddingName, { type: 'integer', bits, symmetric: true, group_size, order: 'even_high' }]];
}

/** What can be said of a model's quantisation before there is a model: the codecs of one linear layer and of the embedding. */
export function expectedQuantization(settings: Omit<PlanSettings, 'dtype'>): Quantization {
  const { scheme } = settings;
  const codec = linearCodec(settings);
  const linear: [string, Codec][] = codec === undefined ? [] : [['a linear layer', codec]];
  const activations = roundsActivations(scheme) ? 'int8' : null;
  return { scheme, activations, codecs: new Map([...embeddingCodec(settings), ...linear]), absent: new Set() };
}

/** How the scheme stores a linear layer; undefined when it leaves it alone. */
export function linearCodec(settings: Omit<PlanSettings, 'dtype'>): Codec | undefined {
  const { scheme, bits, symmetric, group_size, block_size, double_quant, scale_dtype } = settings;
  if (scheme === 'float') return undefined;
  if (scheme === 'nf4') return { type: 'nf4', block_size, nested: double_quant };
  if (roundsActivations(scheme)) return { type: 'integer', bits: 4, symmetric: true, group_size, order: 'even_low' };
  const short = scale_dtype === 'F16' ? ({ scale_dtype: 'F16' } as const) : {};
  return { type: 'integer', bits, symmetric, group_size, order: 'even_low', ...short };
}

/** torchao leaves such a layer as it is, which would make another model than its name says. */
function checkGroups(name: string, shape: readonly number[] | undefined, { group_size }: PlanSettings): void {
  const [, columns] = matrixShape(shape ?? []);
  if (group_size === 0 || columns % group_size === 0) return;
  throw new UserError(
    `8da4w expects a 'group_size' that divides the ${columns} columns of '${name}', got ${group_size}: take one that does, such as 32`,
  );
}

/** Bytes of one tensor as the plan stores it; aliases count as what stands for them. */
export function plannedBytes(plan: QuantizePlan, name: string, shape: readonly number[]): number {
  if (plan.absent.has(name)) return 0;
  const codec = plan.codecs.get(plan.aliases.get(name) ?? name);
  if (codec !== undefined) return storedBytes(codec, shape);
  return shape.reduce((a, b) => a * b, plan.dtype === 'F32' ? 4 : 2);
}
