// GPTQ through a whole model: layer after layer, matrices that share their inputs together, with the second moments of these
// inputs as the matrices rounded before make them (methods E.4). The weights of one layer are in memory at a time.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { flush } from '../../tensor/backend/flush.ts';
import { exactMatMul } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { embeddingName, finalNormName, layerTensors, tensorName } from '../architecture/tensors.ts';
import { createWeights, type InputOf } from '../architecture/weights.ts';
import type { ModelCheckpoint } from '../checkpoint/checkpoint.ts';
import { checkFinite, quantizePlain } from '../codec/plain.ts';
import { type Codec, decode, matrixShape, type Parts, packInteger } from '../codec/quantize-codec.ts';
import { embed, finalNorm, runStep } from '../forward/forward.ts';
import { roundingOf } from '../forward/linear.ts';
import { createModel, type Model } from '../forward/model.ts';
import type { Extent } from '../forward/pass-operators.ts';
import { stepOf } from '../sharing/parallel-layers.ts';
import type { Recovery } from '../sharing/recovery.ts';
import { hasTensor, type TensorSource, tensorSources } from '../sharing/sources.ts';
import { type GptqSettings, quantizeGptq } from './gptq.ts';
import { type GptqProgress, openProgress, type States } from './gptq-progress.ts';
import { arithmeticOf, type QuantizePlan, roundsActivations, type Scheme } from './plan.ts';

/** What a pass rounds, and with which inputs. */
export interface GptqRun {
  readonly checkpoint: ModelCheckpoint;
  readonly plan: QuantizePlan;
  readonly scheme: Scheme;
  readonly recovery: Recovery | undefined;
  /** Sequences of one length. */
  readonly windows: readonly Int32Array[];
  /** Windows of a forward pass. */
  readonly batch_size: number;
  readonly settings: Pick<GptqSettings, 'damping' | 'block_columns' | 'act_order'>;
  readonly onLayer: (layer: number, layers: number) => void;
  /** Where the pass keeps what it has done and goes on from; without it nothing is kept. */
  readonly save?: { readonly folder: string; readonly every_ms: number } | undefined;
}

/** One batch of windows on its way through the layers. */
interface Walk {
  readonly extent: Extent;
  h: tf.Tensor2D;
}

function extentOf(windows: readonly Int32Array[]): Extent {
  return { batch: windows.length, tokens: windows[0]?.length ?? 0 };
}

/** The matrices of layer `layer` (from 1) in the order of rounding; those of one step have the same inputs. */
function stepsOf(config: ModelConfig, layer: number): string[][] {
  const steps = [['q', 'k', 'v'], ['o'], ['gate', 'up'], ['down']] as const;
  return steps.map((roles) => roles.map((role) => tensorName(config, layer, role)));
}

/** A model that is being rounded; ask for its matrices in the order of the layers, then dispose it. */
export class GptqPass {
  readonly #run: GptqRun;
  readonly #model: Model;
  readonly #tensors = new Map<string, tf.Tensor>();
  readonly #rounding: InputOf | undefined;
  /** Rounded matrices that were not asked for yet, and those that stand for others. */
  readonly #rounded = new Map<string, Parts>();
  readonly #shared: ReadonlySet<string>;
  readonly #sources: ReadonlyMap<string, TensorSource>;
  #progress: GptqProgress | undefined;
  /** Rounded since the last save, and when that was. */
  readonly #unsaved = new Map<string, Parts>();
  #saved_ms = performance.now();
  #walks: Walk[] = [];
  #layer = 0;
  #started = false;
  #observe: InputOf | undefined;

  constructor(run: GptqRun) {
    this.#run = run;
    this.#shared = new Set(run.plan.aliases.values());
    this.#sources = tensorSources(run.checkpoint.config, run.recovery?.replacements ?? []);
    const activations = roundsActivations(run.scheme) ? 'int8' : null;
    this.#rounding = roundingOf({ ...run.plan, scheme: run.scheme, activations });
    const input: InputOf = (name, x) => {
      const seen = this.#rounding?.(name, x) ?? x;
      return this.#observe?.(name, seen) ?? seen;
    };
    this.#model = createModel(createWeights(run.checkpoint.config, this.#tensors, input), run.recovery);
  }

  /** The rounded matrix `name`; layers up to its own are done when they are needed. */
  async parts(name: string, codec: Codec, shape: readonly number[]): Promise<Parts> {
    const { onLayer, checkpoint } = this.#run;
    const layers = checkpoint.config.num_hidden_layers;
    if (!this.#started) await this.#start();
    const done = this.#rounded.has(name) ? undefined : await this.#progress?.parts(name);
    if (done !== undefined) return done;
    while (!this.#rounded.has(name) && this.#layer < layers) {
      await this.#roundStep(stepOf(this.#layer + 1, this.#run.recovery?.parallel));
      onLayer(this.#layer, layers);
      await this.#save();
    }
    if (!this.#rounded.has(name)) await this.#roundHead(name, codec, shape);
    const parts = this.#rounded.get(name) as Parts;
    if (!this.#shared.has(name)) this.#rounded.delete(name);
    return parts;
  }

  async dispose(): Promise<void> {
    await this.#progress?.close();
    this.#drop();
    for (const { h } of this.#walks) h.dispose();
    this.#walks = [];
    this.#model.disposeFrames();
  }

  /** Goes on where a pass before ended, or begins with the embeddings. */
  async #start(): Promise<void> {
    const { checkpoint, plan, save } = this.#run;
    this.#started = true;
    if (save) this.#progress = await openProgress(save.folder, checkpoint, plan);
    const { layer = 0, states = [] } = this.#progress ?? {};
    this.#layer = layer;
    if (layer === 0) return this.#embed();
    this.#batches().forEach((part, i) => {
      const { shape, values } = states[i] as States[number];
      this.#walks.push({ extent: extentOf(part), h: tf.tensor2d(values, shape as [number, number]) });
    });
  }

  #batches(): Int32Array[][] {
    const { windows, batch_size } = this.#run;
    return Array.from({ length: Math.ceil(windows.length / batch_size) }, (_, i) =>
      windows.slice(i * batch_size, (i + 1) * batch_size),
    );
  }

  async #save(): Promise<void> {
    const { save } = this.#run;
    if (!save || performance.now() - this.#saved_ms < save.every_ms) return;
    const states: States[number][] = [];
    for (const { h } of this.#walks) states.push({ shape: h.shape, values: (await h.data()) as Float32Array });
    await this.#progress?.save(this.#layer, this.#unsaved, states);
    this.#unsaved.clear();
    this.#saved_ms = performance.now();
  }

  /** The windows' embeddings, rounded where the embedding is. */
  async #embed(): Promise<void> {
    const { plan } = this.#run;
    const codec = plan.codecs.get(embeddingName);
    const shape = this.#shapeOf(embeddingName);
    const values = await this.#read(embeddingName);
    this.#put(
      embeddingName,
      codec === undefined ? values : decode(codec, shape, quantizePlain(embeddingName, codec, shape, values)),
    );
    for (const part of this.#batches()) {
      const extent = extentOf(part);
      const ids = Int32Array.from(part.flatMap((window) => [...window]));
      const h = tf.tidy(() => embed(this.#model, tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32')));
      flush();
      this.#walks.push({ extent, h });
    }
    this.#drop();
  }

  /** One layer, or two that run side by side, the second with what is rounded of the first. */
  async #roundStep(together: readonly number[]): Promise<void> {
    for (const name of together.flatMap((layer) => this.#namesOf(layer))) this.#put(name, await this.#read(name));
    for (const layer of together) await this.#roundLayer(layer, together);
    for (const walk of this.#walks) {
      const before = walk.h;
      walk.h = tf.tidy(() => runStep(this.#model, together, before, walk.extent));
      flush();
      if (walk.h !== before) before.dispose(); // a layer that is skipped whole gives back what it was given
    }
    this.#layer = together.at(-1) as number;
    this.#drop();
  }

  async #roundLayer(layer: number, together: readonly number[]): Promise<void> {
    for (const step of stepsOf(this.#run.checkpoint.config, layer)) {
      const names = step.filter((name) => this.#run.plan.codecs.has(name));
      const [first] = names;
      if (first === undefined) continue;
      const moments = await this.#moments(first, (walk) => runStep(this.#model, together, walk.h, walk.extent));
      for (const name of names) await this.#round(name, this.#run.plan.codecs.get(name) as Codec, moments.slice());
    }
  }

  /** The output head, after all layers. */
  async #roundHead(name: string, codec: Codec, shape: readonly number[]): Promise<void> {
    this.#put(finalNormName, await this.#read(finalNormName));
    const observe = (walk: Walk) => this.#observe?.(name, this.#seen(name, finalNorm(this.#model, walk.h)));
    const moments = await this.#moments(name, observe);
    if (shape.length !== 2) throw new Error(`'${name}' is no matrix`);
    await this.#round(name, codec, moments);
  }

  #seen(name: string, x: tf.Tensor2D): tf.Tensor2D {
    return this.#rounding?.(name, x) ?? x;
  }

  /** 2/n times the sum of x x^T over the inputs x of matrix `name` that `forward` passes; n windows. */
  async #moments(name: string, forward: (walk: Walk) => unknown): Promise<Float64Array> {
    let total = new Float64Array(0);
    for (const walk of this.#walks) {
      const product = tf.tidy(() => {
        let found: tf.Tensor | undefined;
        this.#observe = (other, x) => {
          if (other === name) found ??= exactMatMul(x, x, { transposeA: true });
          return x;
        };
        forward(walk);
        return found as tf.Tensor;
      });
      this.#observe = undefined;
      const values = (await product.data()) as Float32Array;
      product.dispose();
      if (total.length === 0) total = new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) total[i] = (total[i] as number) + (values[i] as number);
      await nextTurn(); // the backend blocks: lets a message of the runner in
    }
    return total.map((value) => (2 / this.#run.windows.length) * value);
  }

  async #round(name: string, codec: Codec, moments: Float64Array): Promise<void> {
    if (codec.type !== 'integer') throw new Error(`GPTQ rounds to integers, got ${codec.type}`);
    const values = await this.#run.checkpoint.readFloat32(name);
    checkFinite(name, values);
    const shape = this.#shapeOf(name);
    const settings = { ...codec, ...this.#run.settings, arithmetic: arithmeticOf(this.#run.scheme) };
    const parts = packInteger(codec, shape, quantizeGptq(values, ...matrixShape(shape), moments, settings, name));
    this.#rounded.set(name, parts);
    if (this.#run.save) this.#unsaved.set(name, parts);
    this.#put(name, decode(codec, shape, parts));
    await nextTurn();
  }

  /** What a layer's forward pass reads; a matrix may be another layer's, or none. */
  #namesOf(layer: number): string[] {
    const own = layerTensors(this.#run.checkpoint.config, layer).map(({ name }) => this.#sources.get(name));
    return own.flatMap((source) => (source !== undefined && hasTensor(source) ? [source.of] : []));
  }

  /** The values of `name`, rounded when what stands for it is. */
  async #read(name: string): Promise<Float32Array> {
    const { checkpoint, plan } = this.#run;
    const source = plan.aliases.get(name) ?? name;
    const parts = this.#rounded.get(source) ?? (await this.#progress?.parts(source));
    const codec = plan.codecs.get(source);
    return parts && codec ? decode(codec, this.#shapeOf(name), parts) : checkpoint.readFloat32(source);
  }

  #shapeOf(name: string): readonly number[] {
    return this.#run.checkpoint.tensors.get(name)?.shape ?? [];
  }

  #put(name: string, values: Float32Array): void {
    this.#tensors.get(name)?.dispose();
    this.#tensors.set(name, tf.tensor(values, [...this.#shapeOf(name)], 'float32'));
  }

  #drop(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }
}
