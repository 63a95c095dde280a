// Reads Arrow IPC files by random access: the footer at once, a batch's places when asked, bodies never by itself.
import { UserError } from '../../util/errors.ts';
import { openFile, type RandomFile } from '../files/file.ts';
import { FlatError } from './flat-view.ts';
import { type ArrowBatchLayout, type ArrowFooter, decodeBatch, decodeFooter } from './layout.ts';

const MAGIC = new TextEncoder().encode('ARROW1');
/** A larger footer (one block of 24 bytes per batch, and the file's metadata) is refused before it is read. */
const MAX_FOOTER_BYTES = 256 * 2 ** 20;
/** A larger record batch message (16 bytes per column and buffer) is refused before it is read. */
const MAX_MESSAGE_BYTES = 2 ** 20;

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
