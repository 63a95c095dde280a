// Writes ONNX models as protobuf bytes: the messages of onnx.proto that lamina needs, typed, without generated code.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Element types of ONNX tensors, by the numbers of `TensorProto.DataType`. */
export const ONNX_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
} as const;

/** The name of an ONNX element type. */
export type OnnxType = keyof typeof ONNX_TYPES;

/** A node attribute; ONNX tells integers and floats apart, so the caller names the kind. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly string: string }
  | { readonly ints: readonly number[] }
  | { readonly floats: readonly number[] }
  | { readonly tensor: OnnxTensor };

/** A part of a file that holds a tensor's little-endian bytes; `location` is relative to the model's own folder. */
export interface ExternalData {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A constant tensor: its raw little-endian bytes, or where they lie. 4-bit types have two to a byte, the even one in the low half. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | ExternalData;
}

/** An operator call; `inputs` and `outputs` are names of values, `''` stands for an absent optional one. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string | undefined;
  readonly name?: string | undefined;
  readonly attributes?: Readonly<Record<string, OnnxAttribute>> | undefined;
}

/** A graph input or output; a string dimension is symbolic. */
export interface OnnxValueInfo {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly (number | string)[];
}

/** A graph in topological order. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
}

/** A whole model; `opsets` maps an operator domain (`''` is ONNX itself) to its version. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly producer: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly graph: OnnxGraph;
}

/** Field numbers of `AttributeProto` and its `type` values, by the kind of attribute. */
const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;
const EXTERNAL_LOCATION = 1;

/** The bytes of a `ModelProto`. */
export function encodeOnnxModel(model: OnnxModel): Uint8Array {
  const writer = new BinaryWriter();
  int(writer, 1, model.irVersion);
  string(writer, 2, model.producer);
  message(writer, 7, () => writeGraph(writer, model.graph));
  for (const [domain, version] of Object.entries(model.opsets)) {
    message(writer, 8, () => {
      string(writer, 1, domain);
      int(writer, 2, version);
    });
  }
  return writer.finish();
}

function writeGraph(writer: BinaryWriter, graph: OnnxGraph): void {
  for (const node of graph.nodes) message(writer, 1, () => writeNode(writer, node));
  string(writer, 2, graph.name);
  for (const tensor of graph.initializers) message(writer, 5, () => writeTensor(writer, tensor));
  for (const input of graph.inputs) message(writer, 11, () => writeValueInfo(writer, input));
  for (const output of graph.outputs) message(writer, 12, () => writeValueInfo(writer, output));
}

function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const input of node.inputs) string(writer, 1, input);
  for (const output of node.outputs) string(writer, 2, output);
  if (node.name !== undefined) string(writer, 3, node.name);
  string(writer, 4, node.op);
  for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
    message(writer, 5, () => writeAttribute(writer, name, attribute));
  }
  if (node.domain) string(writer, 7, node.domain);
}

function writeAttribute(writer: BinaryWriter, name: string, attribute: OnnxAttribute): void {
  string(writer, 1, name);
  if ('float' in attribute) writer.tag(2, WireType.Bit32).float(attribute.float);
  else if ('int' in attribute) int(writer, 3, attribute.int);
  else if ('string' in attribute) string(writer, 4, attribute.string);
  else if ('tensor' in attribute) message(writer, 5, () => writeTensor(writer, attribute.tensor));
  else if ('floats' in attribute) for (const value of attribute.floats) writer.tag(7, WireType.Bit32).float(value);
  else for (const value of attribute.ints) int(writer, 8, value);
  const kind = Object.keys(attribute)[0] as keyof typeof ATTRIBUTE_TYPE;
  int(writer, 20, ATTRIBUTE_TYPE[kind]);
}

function writeTensor(writer: BinaryWriter, tensor: OnnxTensor): void {
  for (const dim of tensor.dims) int(writer, 1, dim);
  int(writer, 2, ONNX_TYPES[tensor.type]);
  string(writer, 8, tensor.name);
  if (tensor.data instanceof Uint8Array) writer.tag(9, WireType.LengthDelimited).bytes(tensor.data);
  else writeExternalData(writer, tensor.data);
}

function writeExternalData(writer: BinaryWriter, data: ExternalData): void {
  for (const key of ['location', 'offset', 'length'] as const) {
    message(writer, 13, () => {
      string(writer, 1, key);
      string(writer, 2, String(data[key]));
    });
  }
  int(writer, 14, EXTERNAL_LOCATION);
}

function writeValueInfo(writer: BinaryWriter, info: OnnxValueInfo): void {
  string(writer, 1, info.name);
  message(writer, 2, () =>
    message(writer, 1, () => {
      int(writer, 1, ONNX_TYPES[info.type]);
      message(writer, 2, () => {
        for (const dim of info.dims) message(writer, 1, () => writeDimension(writer, dim));
      });
    }),
  );
}

function writeDimension(writer: BinaryWriter, dim: number | string): void {
  if (typeof dim === 'number') int(writer, 1, dim);
  else string(writer, 2, dim);
}

function int(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}

function string(writer: BinaryWriter, field: number, value: string): void {
  writer.tag(field, WireType.LengthDelimited).string(value);
}

function message(writer: BinaryWriter, field: number, write: () => void): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write();
  writer.join();
}
