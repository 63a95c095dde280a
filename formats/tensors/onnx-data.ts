// The external data of an ONNX model: tensors written one after the other, equal ones once, so that no model is too large for protobuf.
import { createHash } from 'node:crypto';
import { createFile } from '../files/output-file.ts';
import type { OnnxTensor, OnnxType } from './onnx.ts';

/** A tensor on its way to the file. */
export interface OnnxContent {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

/** Takes tensors and says where they lie. */
export interface OnnxDataWriter {
  /** Stores `content`, or finds the equal tensor (type, shape, bytes) that is there already: the answer has the name of the first. */
  write(content: OnnxContent): Promise<{ tensor: OnnxTensor; isNew: boolean }>;
  /** Bytes of the tensors, without what lies between them. */
  readonly bytes: number;
  close(): Promise<void>;
  /** Closes the file unfinished. */
  abort(): Promise<void>;
}

/** ONNX Runtime maps the file into memory: values begin where every kernel can load them. */
const alignment = 64;

/** Creates the file `path`; `location` is the name by which the model beside it will find it. */
export async function createOnnxData(path: string, location: string): Promise<OnnxDataWriter> {
  const file = await createFile(path, 'ONNX data file');
  const known = new Map<string, OnnxTensor>();
  let end = 0;
  let bytes = 0;
  const append = async (content: Uint8Array) => {
    const offset = Math.ceil(end / alignment) * alignment;
    await file.write(new Uint8Array(offset - end), content);
    end = offset + content.byteLength;
    bytes += content.byteLength;
    return { location, offset, length: content.byteLength };
  };
  return {
    get bytes() {
      return bytes;
    },
    async write({ name, type, dims, bytes: content }) {
      const key = `${type} ${dims} ${digestOf(content)}`;
      const same = known.get(key);
      if (same !== undefined) return { tensor: same, isNew: false };
      const tensor = { name, type, dims, data: await append(content) };
      known.set(key, tensor);
      return { tensor, isNew: true };
    },
    close: () => file.finish(),
    abort: () => file.close(),
  };
}

/** Node takes less than 2 GiB at a time. */
const digestBytes = 2 ** 30;

function digestOf(content: Uint8Array): string {
  const hash = createHash('sha256');
  for (let at = 0; at < content.byteLength; at += digestBytes) hash.update(content.subarray(at, at + digestBytes));
  return hash.digest('hex');
}
