// A graph under construction: operators are added one by one, constants once, weights as they are written beside the model.
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { ONNX_TYPES, type OnnxNode, type OnnxTensor, type OnnxType } from '../../formats/tensors/onnx.ts';
import type { OnnxContent, OnnxDataWriter } from '../../formats/tensors/onnx-data.ts';

/** The types that a graph computes in. */
export type OnnxFloat = 'float32' | 'float16';

/** The types that weights are stored in where they are floats. */
export type StoredFloat = OnnxFloat | 'bfloat16';

/** The name of a value in the graph. */
export type Value = string;

interface NodeOptions {
  readonly attributes?: OnnxNode['attributes'];
  readonly domain?: string | undefined;
  /** Names of the outputs, where others refer to them. */
  readonly outputs?: readonly string[];
}

/** Nodes and initialisers in the order in which they were added. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  /** What the graph computes in. */
  readonly float: OnnxFloat;
  /** Begins the names of nodes and values: which part of the model they belong to. */
  scope = 'model';
  readonly #data: OnnxDataWriter;
  /** The initialisers by name. */
  readonly #known = new Map<string, OnnxTensor>();
  readonly #counts = new Map<string, number>();

  constructor(float: OnnxFloat, data: OnnxDataWriter) {
    this.float = float;
    this.#data = data;
  }

  /** Adds an operator with one output and returns that. */
  add(op: string, inputs: readonly Value[], options: NodeOptions = {}): Value {
    return this.addAll(op, inputs, 1, options)[0] as Value;
  }

  /** Adds an operator with `count` outputs. */
  addAll(op: string, inputs: readonly Value[], count: number, { attributes, domain, outputs }: NodeOptions): Value[] {
    const name = this.#unique(`${this.scope}/${op}`);
    const named = outputs ?? Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}:${i}`));
    this.nodes.push({ op, inputs, outputs: named, domain, name, attributes });
    return [...named];
  }

  /** The int64 vector `values`. */
  ints(...values: number[]): Value {
    return this.constant(`ints/${values.join('x')}`, 'int64', [values.length], int64Bytes(values));
  }

  /** The int64 scalar `value`. */
  int(value: number): Value {
    return this.constant(`int/${value}`, 'int64', [], int64Bytes([value]));
  }

  /** The scalar `value` in `type`. */
  number(value: number, type: OnnxFloat = this.float): Value {
    return this.constant(`${type}/${value}`, type, [], floatBytes(type, Float32Array.of(value)));
  }

  /** A small constant inside the model file, where shape inference can see it; a second of its name is the first. */
  constant(name: string, type: OnnxType, dims: readonly number[], data: Uint8Array): Value {
    return this.#keep({ name, type, dims, data });
  }

  /** A weight, written beside the model; one initialiser stands for all that are equal. */
  async weight(content: OnnxContent): Promise<Value> {
    const { tensor, isNew } = await this.#data.write(content);
    return isNew ? this.#keep(tensor) : tensor.name;
  }

  /** The bytes of the weight `name` once more, under another type and shape. */
  view(name: Value, as: string, type: OnnxType, dims: readonly number[]): Value {
    const { data } = this.#known.get(name) as OnnxTensor;
    return this.#keep({ name: as, type, dims, data });
  }

  /** `value`, which is of type `from`, as `to`; nothing is added where they are the same. */
  cast(value: Value, from: OnnxType, to: OnnxType): Value {
    return from === to ? value : this.add('Cast', [value], { attributes: { to: { int: ONNX_TYPES[to] } } });
  }

  /** An initialiser whose name is known is that one. */
  #keep(tensor: OnnxTensor): Value {
    if (!this.#known.has(tensor.name)) this.initializers.push(tensor);
    this.#known.set(tensor.name, this.#known.get(tensor.name) ?? tensor);
    return tensor.name;
  }

  #unique(name: string): string {
    const count = this.#counts.get(name) ?? 0;
    this.#counts.set(name, count + 1);
    return count === 0 ? name : `${name}_${count}`;
  }
}

/** The float32 values of `name` as the little-endian bytes of `type`; a UserError for a number that it cannot hold. */
export function floatBytes(type: StoredFloat, values: Float32Array, name = 'constant'): Uint8Array {
  return encodeFloats(name, dtypes[type], values);
}

const dtypes = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const;

function int64Bytes(values: readonly number[]): Uint8Array {
  return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
}
