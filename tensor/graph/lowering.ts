// From recorded nodes to an ONNX model: which nodes a run needs, the key of their structure, and the model itself.
import { createHash } from 'node:crypto';
import { encodeOnnxModel, type OnnxNode, type OnnxTensor, type OnnxValueInfo } from '../../formats/tensors/onnx.ts';
import { type GraphNode, internId, sizeOf, type Value } from './graph.ts';

/** The part of a recording that makes `outputs`, with every value numbered. */
export interface Plan {
  /** Equal keys mean equal models: operators, attributes, types, shapes and wiring. */
  readonly key: string;
  readonly nodes: readonly GraphNode[];
  readonly inputs: readonly Value[];
  readonly constants: readonly Value[];
  readonly outputs: readonly Value[];
}

const IR_VERSION = 10;
const OPSETS = { '': 21, 'com.microsoft': 1 };
const LEAF_MARK = -1;
const OUTPUT_MARK = -2;
const ELEMENT_BYTES = { float32: 4, int32: 4, bool: 1, int64: 8, float64: 8, float16: 2, bfloat16: 2 } as const;

let epoch = 0;

/** Selects what `outputs` (all pending) need of `recorded` (in topological order) and numbers it. */
export function planRun(recorded: readonly GraphNode[], outputs: readonly Value[]): Plan {
  const nodes = neededNodes(recorded, outputs);
  const inputs: Value[] = [];
  const constants: Value[] = [];
  const code: number[] = [];
  let count = 0;
  const number = (value: Value) => {
    value.epoch = epoch;
    value.index = count++;
  };
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (input.epoch === epoch) continue;
      number(input);
      (input.constant ? constants : inputs).push(input);
      code.push(LEAF_MARK, leafId(input));
    }
    code.push(node.signature.id);
    for (const input of node.inputs) code.push(input.index);
    for (const output of node.outputs) number(output);
  }
  code.push(OUTPUT_MARK);
  for (const output of outputs) code.push(output.index);
  return { key: digest(code), nodes, inputs, constants, outputs };
}

/** The nodes that make `outputs`. Marks backwards from them; the recording's order makes one pass enough, whatever the depth. */
export function neededNodes(recorded: readonly GraphNode[], outputs: readonly Value[]): GraphNode[] {
  epoch++;
  for (const output of outputs) (output.node as GraphNode).epoch = epoch;
  const nodes: GraphNode[] = [];
  for (let i = recorded.length - 1; i >= 0; i--) {
    const node = recorded[i] as GraphNode;
    if (node.epoch !== epoch) continue;
    nodes.push(node);
    for (const input of node.inputs) if (input.node !== undefined) input.node.epoch = epoch;
  }
  return nodes.reverse();
}

/** Output shapes follow from operators, attributes and leaves, so only leaves carry theirs. */
function leafId(value: Value): number {
  if (value.leaf < 0) value.leaf = internId(`input ${value.type} ${declaredShape(value).join()}`);
  return value.leaf;
}

function digest(code: readonly number[]): string {
  const bytes = new Uint8Array(Int32Array.from(code).buffer);
  return createHash('sha256').update(bytes).digest('base64');
}

/** The name of a numbered value in the model. */
export function valueName(value: Value): string {
  return `v${value.index}`;
}

/** The bytes of the plan's ONNX model. */
export function encodePlan(plan: Plan): Uint8Array {
  return encodeOnnxModel({
    irVersion: IR_VERSION,
    producer: 'lamina',
    opsets: OPSETS,
    graph: {
      name: 'recorded',
      nodes: plan.nodes.map(toNode),
      initializers: plan.constants.map(toInitializer),
      inputs: plan.inputs.map(toInfo),
      outputs: plan.outputs.map(toInfo),
    },
  });
}

function toNode(node: GraphNode): OnnxNode {
  const { op, domain, attributes } = node.signature;
  return { op, domain, attributes, inputs: node.inputs.map(valueName), outputs: node.outputs.map(valueName) };
}

function toInitializer(value: Value): OnnxTensor {
  return { name: valueName(value), type: value.type, dims: value.shape, data: value.bytes as Uint8Array };
}

function toInfo(value: Value): OnnxValueInfo {
  return { name: valueName(value), type: value.type, dims: declaredShape(value) };
}

/** A free axis has a name in place of a length. */
function declaredShape({ shape, free }: Value): (number | string)[] {
  return shape.map((length, axis) => (axis === free ? 'free' : length));
}

/** Bytes that a run holds at most if each value is freed after its last reader: what a session's arena keeps. */
export function peakBytes(plan: Plan): number {
  const readers = countReaders(plan);
  let held = 0;
  let peak = 0;
  for (const node of plan.nodes) {
    for (const output of node.outputs) held += bytesOf(output);
    peak = Math.max(peak, held);
    for (const input of node.inputs) {
      const left = (readers.get(input) as number) - 1;
      readers.set(input, left);
      if (left === 0 && input.pending) held -= bytesOf(input);
    }
  }
  return peak;
}

/** How often each value is read; outputs are never done with. */
function countReaders(plan: Plan): Map<Value, number> {
  const readers = new Map<Value, number>();
  for (const node of plan.nodes) {
    for (const input of node.inputs) readers.set(input, (readers.get(input) ?? 0) + 1);
  }
  for (const output of plan.outputs) readers.set(output, Number.POSITIVE_INFINITY);
  return readers;
}

/** The size of a value of a graph. */
export function bytesOf(value: Value): number {
  return sizeOf(value.shape) * ELEMENT_BYTES[value.type];
}
