// Writes Arrow IPC files in a stream, batch by batch, with equal bytes for equal input.
import { MetadataVersion, type RecordBatch, Schema } from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, Message, RecordBatch as RecordBatchHeader } from 'apache-arrow/ipc/metadata/message';
import { VectorAssembler } from 'apache-arrow/visitor/vectorassembler';
import { createFile, type OutputFile } from '../files/output-file.ts';

/** A batch's body stays below this: apache-arrow 21.2.0 cannot read a body of 2 GiB, and Arrow's offsets are int32. */
export const MAX_BODY_BYTES = 2 ** 30;

/** Every buffer starts at a multiple of this in the file, so that a mapped file serves vector loads. */
const ALIGNMENT = 64;
const MAGIC = new TextEncoder().encode('ARROW1');

/**
 * Writes one Arrow IPC file in a stream; memory stays at one batch.
 *
 * apache-arrow encodes the metadata; the framing is ours, because its own writer leaves out the schema message, aligns to
 * 8 bytes only and queues the whole file.
 */
export class ArrowFileWriter {
  private readonly file: OutputFile;
  private readonly schema: Schema;
  private readonly blocks: FileBlock[] = [];
  private position = 0;

  private constructor(file: OutputFile, schema: Schema) {
    this.file = file;
    this.schema = schema;
  }

  /** Creates (or empties) the file `path`; the schema's metadata is written in the order of its keys. */
  static async open(path: string, schema: Schema): Promise<ArrowFileWriter> {
    const sorted = new Map([...schema.metadata].sort(([a], [b]) => (a < b ? -1 : 1)));
    const writer = new ArrowFileWriter(await createFile(path, 'file'), new Schema(schema.fields, sorted));
    await writer.put([MAGIC, new Uint8Array(2), ...message(Message.from(writer.schema), 8)]);
    return writer;
  }

  /** Appends a batch of the writer's schema; its body must be smaller than {@link MAX_BODY_BYTES}. */
  async write(batch: RecordBatch): Promise<void> {
    const { nodes, buffers } = VectorAssembler.assemble(batch);
    const { regions, bodyLength } = layOut(buffers);
    if (bodyLength >= MAX_BODY_BYTES)
      throw new RangeError(`a record batch of ${bodyLength} bytes is too large to write`);
    const header = message(Message.from(new RecordBatchHeader(batch.numRows, nodes, regions, null), bodyLength), 0);
    this.blocks.push(new FileBlock(byteLength(header), bodyLength, this.position));
    await this.put([...header, ...buffers.flatMap((buffer) => padded(asBytes(buffer)))]);
  }

  /** Writes the footer, flushes the file to the disk and closes it. */
  async close(): Promise<void> {
    const footer = Footer.encode(new Footer(this.schema, MetadataVersion.V5, this.blocks, []));
    await this.put([asBytes(Int32Array.of(-1, 0)), footer, asBytes(Int32Array.of(footer.byteLength)), MAGIC]);
    await this.file.finish();
  }

  /** Closes the file unfinished; no reader accepts it. */
  abort(): Promise<void> {
    return this.file.close();
  }

  private async put(chunks: Uint8Array[]): Promise<void> {
    await this.file.write(...chunks);
    this.position += byteLength(chunks);
  }
}

/** A message with its length prefix, padded so that it ends at a multiple of the alignment when it begins at `phase`. */
function message(header: Message, phase: number): Uint8Array[] {
  const bytes = Message.encode(header);
  const padding = -(phase + 8 + bytes.byteLength) & (ALIGNMENT - 1);
  return [asBytes(Int32Array.of(-1, bytes.byteLength + padding)), bytes, new Uint8Array(padding)];
}

function layOut(buffers: ArrayBufferView[]): { regions: BufferRegion[]; bodyLength: number } {
  let bodyLength = 0;
  const regions = buffers.map(({ byteLength }) => {
    const region = new BufferRegion(bodyLength, byteLength);
    bodyLength += Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
    return region;
  });
  return { regions, bodyLength };
}

function padded(bytes: Uint8Array): Uint8Array[] {
  return [bytes, new Uint8Array(-bytes.byteLength & (ALIGNMENT - 1))];
}

function asBytes(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function byteLength(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}
