// The recorded graph: values, the nodes that make them, and the recorder that kernels write to.
import type { OnnxAttribute, OnnxType } from '../../formats/tensors/onnx.ts';
import type { Narrow } from '../widen.ts';
import type { Precision } from './precision.ts';
import { type Provider, type RuntimeTensor, runtimeTensor, type TensorData } from './runtime.ts';

/** Element types of recorded values; int64, float64 and those of 16 bits only occur inside a graph, never in a tensor. */
export type ElementType = Extract<
  OnnxType,
  'float32' | 'int32' | 'bool' | 'int64' | 'float64' | 'float16' | 'bfloat16'
>;

/** Attributes of a recorded node. */
export type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** The dimensions of a value. */
export type Shape = readonly number[];

/** An operator with its attributes and result types, shared by all nodes that are equal in these. */
export interface Signature {
  readonly id: number;
  readonly op: string;
  readonly domain: string;
  readonly attributes: Attributes | undefined;
}

/** A recorded operator call. */
export interface GraphNode {
  readonly signature: Signature;
  readonly inputs: readonly Value[];
  readonly outputs: Value[];
  /** The lowering pass that last reached this node. */
  epoch: number;
}

/** The numbers of a concrete value, in one of three places; views of a value share them. */
export interface Numbers {
  /** In this process. */
  data?: TensorData | undefined;
  /** In this process, kept in 16 bits: widened by each run that reads them. */
  readonly narrow?: Narrow | undefined;
  /** In the memory of a device, in some shape of theirs. */
  device?: RuntimeTensor | undefined;
}

/**
 * A tensor in a graph: pending (made by `node`), concrete (it has `numbers`), or a constant (part of the graph's structure). Values are
 * immutable; a pending one settles once, when a run has computed it.
 */
export class Value {
  readonly shape: Shape;
  readonly type: ElementType;
  node: GraphNode | undefined;
  readonly constant: boolean;
  /** An axis of an input whose length the graph does not fix. */
  free: number | undefined;
  /** Number of the constant's content, or of the input's type and shape; equal numbers mean equal structure. */
  leaf: number;
  /** Of a concrete value, until it is released. */
  numbers: Numbers | undefined;
  /** Raw bytes of a constant. */
  readonly bytes: Uint8Array | undefined;
  /** The numbers in this process as ONNX Runtime takes them, once they were asked for. */
  #tensor: RuntimeTensor | undefined;
  /** Reshaped views of this value, by shape. */
  views: Map<string, Value> | undefined;
  /** Scratch of the lowering pass numbered `epoch`: this value's index in the graph. */
  epoch = 0;
  index = 0;

  constructor(shape: Shape, type: ElementType, source: ValueSource) {
    this.shape = shape;
    this.type = type;
    this.node = source.node;
    this.numbers = source.numbers;
    this.bytes = source.bytes;
    this.constant = source.bytes !== undefined;
    this.leaf = -1;
  }

  /** True while no run has computed this value. */
  get pending(): boolean {
    return this.node !== undefined;
  }

  /** Turns a pending value into a concrete one; `tensor` lies in this process or on a device. */
  settle(tensor: RuntimeTensor): void {
    const here = tensor.location === 'cpu';
    this.#become(here ? { data: tensor.data as TensorData } : { device: tensor });
    this.#tensor = here ? tensor : undefined;
  }

  /** Turns a pending value into a view of a concrete one of as many elements. */
  settleAs(source: Value): void {
    this.#become(source.numbers as Numbers);
  }

  #become(numbers: Numbers): void {
    this.node = undefined;
    this.views = undefined;
    this.numbers = numbers;
  }

  /** A concrete value in another shape of as many elements. */
  viewed(shape: Shape): Value {
    return new Value(shape, this.type, { numbers: this.numbers as Numbers });
  }

  /** Lets go of the content of a concrete value that nobody reads any more. */
  release(): void {
    this.numbers = undefined;
    this.#tensor = undefined;
  }

  /** A concrete value whose numbers lie in this process, and not narrow, as ONNX Runtime takes it; made once. */
  runtime(): RuntimeTensor {
    this.#tensor ??= runtimeTensor(this.type as 'float32', this.numbers?.data as TensorData, this.shape);
    return this.#tensor;
  }

  /** Its numbers have moved elsewhere. */
  forgetRuntime(): void {
    this.#tensor = undefined;
  }
}

/** Where a value comes from. */
interface ValueSource {
  readonly node?: GraphNode;
  readonly numbers?: Numbers;
  readonly bytes?: Uint8Array;
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i] as number;
  return size;
}

const ids = new Map<string, number>();
const signatures = new Map<string, Signature>();
const constants = new Map<string, Value>();

/** A small number for a string, the same for equal strings within a process. */
export function internId(text: string): number {
  let id = ids.get(text);
  if (id === undefined) {
    id = ids.size;
    ids.set(text, id);
  }
  return id;
}

/** What a node makes. */
export interface Result {
  readonly shape: Shape;
  readonly type: ElementType;
}

/** An operand of a product that was rounded, and what it has to be multiplied by afterwards. */
export interface Rounded {
  readonly value: Value;
  readonly scale: Value | undefined;
}

/** Collects nodes in the order of recording, which is a topological order. */
export class Recorder {
  nodes: GraphNode[] = [];
  /** Numbers of nodes, ascending, before which the recording may be run by itself. */
  cuts: number[] = [];
  /** What will run the nodes: some operators are missing or wrong on one provider and written otherwise there. */
  readonly provider: Provider;
  /** What the operands of products are rounded to. */
  readonly precision: Precision;
  /** Operands that this piece of the recording has rounded already. */
  readonly rounded = new Map<Value, Rounded>();

  constructor(provider: Provider, precision: Precision = 'float32') {
    this.provider = provider;
    this.precision = precision;
  }

  /** `x` behind a boundary: what was recorded so far may be run without what follows. */
  cut(x: Value): Value {
    if (this.provider !== 'cpu') return x; // pieces save memory of this process, and there a run's values are on the device
    this.cuts.push(this.nodes.length);
    this.rounded.clear(); // what one piece rounds, the next would have to be handed
    return this.add('Identity', [x], x.shape, x.type);
  }

  /** Forgets what is recorded. */
  clear(): void {
    this.nodes = [];
    this.cuts = [];
    this.rounded.clear();
  }

  /** Records `op` with one result and returns it. A domain is written before a colon: `com.microsoft:FusedMatMul`. */
  add(op: string, inputs: readonly Value[], shape: Shape, type: ElementType, attributes?: Attributes): Value {
    const node: GraphNode = { signature: signatureOf(op, attributes, type), inputs, outputs: [], epoch: 0 };
    const value = new Value(shape, type, { node });
    node.outputs.push(value);
    this.nodes.push(node);
    return value;
  }

  /** Records `op` with several results. */
  addMany(op: string, inputs: readonly Value[], results: readonly Result[], attributes?: Attributes): Value[] {
    const types = results.map((result) => `${result.type}${result.shape.length}`).join();
    const node: GraphNode = { signature: signatureOf(op, attributes, types), inputs, outputs: [], epoch: 0 };
    for (const result of results) node.outputs.push(new Value(result.shape, result.type, { node }));
    this.nodes.push(node);
    return node.outputs;
  }
}

function signatureOf(op: string, attributes: Attributes | undefined, types: string): Signature {
  const key = attributes === undefined ? `${op} ${types}` : `${op} ${types} ${JSON.stringify(attributes)}`;
  let signature = signatures.get(key);
  if (signature === undefined) {
    const colon = op.indexOf(':');
    const name = op.slice(colon + 1);
    signature = { id: internId(`op ${key}`), op: name, domain: op.slice(0, Math.max(colon, 0)), attributes };
    signatures.set(key, signature);
  }
  return signature;
}

/** A constant of the graph; equal contents give the same value. Small ones only: the bytes are part of the structure. */
export function constant(type: ElementType, data: readonly number[], shape: Shape = [data.length]): Value {
  const key = `${type} ${shape.join()} ${data.map((x) => (Object.is(x, -0) ? '-0' : x)).join()}`;
  let value = constants.get(key);
  if (value === undefined) {
    value = new Value(shape, type, { bytes: constantBytes(type, data) });
    value.leaf = internId(`constant ${key}`);
    constants.set(key, value);
  }
  return value;
}

/** A scalar constant. */
export function scalarConstant(type: ElementType, x: number): Value {
  return constant(type, [x], []);
}

function constantBytes(type: ElementType, data: readonly number[]): Uint8Array {
  switch (type) {
    case 'float32':
      return new Uint8Array(Float32Array.from(data).buffer);
    case 'float64':
      return new Uint8Array(Float64Array.from(data).buffer);
    case 'int32':
      return new Uint8Array(Int32Array.from(data).buffer);
    case 'int64':
      return new Uint8Array(BigInt64Array.from(data, (x) => BigInt(x)).buffer);
    case 'bool':
      return Uint8Array.from(data);
    case 'float16':
    case 'bfloat16':
      throw new Error(`a constant of ${type}: expected one of float32, and a cast`);
  }
}

/** A concrete value over `data`, which is not copied and must not change any more. */
export function concrete(type: ElementType, data: TensorData, shape: Shape): Value {
  return new Value(shape, type, { numbers: { data } });
}

/** A concrete float32 value that is kept in 16 bits. */
export function narrowValue(narrow: Narrow, shape: Shape): Value {
  return new Value(shape, 'float32', { numbers: { narrow } });
}
