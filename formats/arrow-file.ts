// Arrow IPC files: a writer that streams batch by batch with equal bytes for equal input, and a random-access reader.
import { type FileHandle, open } from 'node:fs/promises';
import { MetadataVersion, type RecordBatch, Schema } from 'apache-arrow';
import { FileBlock, Footer } from 'apache-arrow/ipc/metadata/file';
import { BufferRegion, Message, RecordBatch as RecordBatchHeader } from 'apache-arrow/ipc/metadata/message';
import { VectorAssembler } from 'apache-arrow/visitor/vectorassembler';
import { UserError } from '../util/errors.ts';
import { type ArrowBatchLayout, type ArrowFooter, decodeBatch, decodeFooter } from './arrow-layout.ts';
import { fileError, openFile, type RandomFile, writeChunks } from './file.ts';
import { FlatError } from './flat-view.ts';

/** A batch's body stays below this: apache-arrow 21.2.0 cannot read a body of 2 GiB, and Arrow's offsets are int32. */
export const MAX_BODY_BYTES = 2 ** 30;

/** Every buffer starts at a multiple of this in the file, so that a mapped file serves vector loads. */
const ALIGNMENT = 64;
const MAGIC = new TextEncoder().encode('ARROW1');
/** A larger footer (one block of 24 bytes per batch, and the file's metadata) is refused before it is read. */
const MAX_FOOTER_BYTES = 256 * 2 ** 20;
/** A larger record batch message (16 bytes per column and buffer) is refused before it is read. */
const MAX_MESSAGE_BYTES = 2 ** 20;

/**
 * Writes one Arrow IPC file in a stream; memory stays at one batch.
 *
 * apache-arrow encodes the metadata; the framing is ours, because its own writer leaves out the schema message, aligns to
 * 8 bytes only and queues the whole file.
 */
export class ArrowFileWriter {
  readonly path: string;
  private readonly handle: FileHandle;
  private readonly schema: Schema;
  private readonly blocks: FileBlock[] = [];
  private position = 0;

  private constructor(path: string, handle: FileHandle, schema: Schema) {
    this.path = path;
    this.handle = handle;
    this.schema = schema;
  }

  /** Creates (or empties) the file `path`; the schema's metadata is written in the order of its keys. */
  static async open(path: string, schema: Schema): Promise<ArrowFileWriter> {
    const sorted = new Map([...schema.metadata].sort(([a], [b]) => (a < b ? -1 : 1)));
    const handle = await open(path, 'w').catch((error: unknown) => {
      throw fileError(error, path, 'file');
    });
    const writer = new ArrowFileWriter(path, handle, new Schema(schema.fields, sorted));
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
    await this.handle.sync();
    await this.handle.close();
  }

  /** Closes the file unfinished; no reader accepts it. */
  async abort(): Promise<void> {
    await this.handle.close();
  }

  private async put(chunks: Uint8Array[]): Promise<void> {
    try {
      await writeChunks(this.handle, chunks);
    } catch (error) {
      await this.handle.close();
      throw fileError(error, this.path, 'file');
    }
    this.position += byteLength(chunks);
  }
}

/** Reads an Arrow IPC file of the plain subset (no compression, dictionaries or nulls) without reading bodies by itself. */
export class ArrowFileReader {
  readonly fields: ArrowFooter['fields'];
  readonly metadata: Record<string, string>;
  private readonly file: RandomFile;
  private readonly what: string;
  private readonly blocks: ArrowFooter['blocks'];

  private constructor(file: RandomFile, what: string, footer: ArrowFooter) {
    this.file = file;
    this.what = what;
    this.fields = footer.fields;
    this.metadata = footer.metadata;
    this.blocks = footer.blocks;
  }

  /** Opens `path` and reads its footer; `what` names the file's kind in messages. Errors are UserErrors that name the file. */
  static async open(path: string, what: string): Promise<ArrowFileReader> {
    const file = await openFile(path, what);
    try {
      return new ArrowFileReader(file, what, await readFooter(file, what));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get path(): string {
    return this.file.path;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  get numBatches(): number {
    return this.blocks.length;
  }

  /** The rows of batch `index` and the place of each of its buffers in the file. */
  async layout(index: number): Promise<ArrowBatchLayout> {
    const block = this.blocks[index];
    if (block === undefined) throw new RangeError(`no batch ${index} in '${this.path}'`);
    const bytes = await this.file.read(block.offset, block.metadataLength);
    const layout = decode(this.file, this.what, () => decodeBatch(bytes.subarray(8), block.bodyLength));
    const body = block.offset + block.metadataLength;
    for (const buffer of layout.buffers) buffer.offset += body;
    return layout;
  }

  /** Bytes of the file, at places that {@link layout} gave. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    return this.file.read(offset, length);
  }

  /** Fills `target` from `offset` on. */
  readInto(target: Uint8Array, offset: number): Promise<void> {
    return this.file.readInto(target, offset);
  }

  /** The user's message for a file whose contents are wrong. */
  damaged(detail: string): UserError {
    return damaged(this.file, this.what, detail);
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

async function readFooter(file: RandomFile, what: string): Promise<ArrowFooter> {
  const size = file.sizeBytes;
  const isMagic = (bytes: Uint8Array) => MAGIC.every((byte, i) => bytes[i] === byte);
  if (size < 8 || !isMagic(await file.read(0, 6))) {
    throw new UserError(
      `${what} '${file.path}': expected an Arrow IPC file, got a file that does not begin with 'ARROW1'`,
    );
  }
  const tail = await file.read(Math.max(0, size - 10), 10 > size ? size : 10);
  if (size < 26 || !isMagic(tail.subarray(4))) {
    throw damaged(file, what, `the file ends without its footer after ${size} bytes`);
  }
  const length = new DataView(tail.buffer).getInt32(0, true);
  if (length <= 0 || length > Math.min(size - 18, MAX_FOOTER_BYTES)) {
    throw damaged(file, what, `its footer claims ${length} bytes of ${size}`);
  }
  const footer = await file.read(size - 10 - length, length);
  const decoded = decode(file, what, () => decodeFooter(footer));
  for (const block of decoded.blocks) checkBlock(file, what, block, size - 10 - length);
  return decoded;
}

function checkBlock(file: RandomFile, what: string, block: ArrowFooter['blocks'][number], end: number): void {
  const { offset, metadataLength, bodyLength } = block;
  const fits = offset >= 8 && metadataLength > 8 && offset + metadataLength + bodyLength <= end;
  if (!fits || metadataLength > MAX_MESSAGE_BYTES) {
    throw damaged(file, what, `a record batch at ${offset} claims ${metadataLength} + ${bodyLength} bytes of ${end}`);
  }
}

function decode<T>(file: RandomFile, what: string, decoder: () => T): T {
  try {
    return decoder();
  } catch (error) {
    if (error instanceof FlatError) throw damaged(file, what, `its metadata holds ${error.message}`);
    throw error;
  }
}

function damaged(file: RandomFile, what: string, detail: string): UserError {
  return new UserError(`${what} '${file.path}' is damaged or unfinished: ${detail} (make it again)`);
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
