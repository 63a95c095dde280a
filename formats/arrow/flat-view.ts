// A bounds-checked view of FlatBuffers, so that the lengths in a hostile Arrow footer are checked before they are used.

/** Thrown for any reference outside the buffer; callers turn it into a sentence that names the file. */
export class FlatError extends Error {
  override readonly name = 'FlatError';
}

/** A FlatBuffers buffer; every access outside of it throws {@link FlatError}. */
export class FlatBuffer {
  private readonly view: DataView;
  /** Bytes of the texts and vectors decoded so far; a small buffer that repeats a long one a million times must not fill the memory. */
  private decodedBytes = 0;

  constructor(bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  root(): FlatTable {
    return new FlatTable(this, this.u32(0));
  }
  u8(at: number): number {
    return this.view.getUint8(this.check(at, 1));
  }
  i16(at: number): number {
    return this.view.getInt16(this.check(at, 2), true);
  }
  i32(at: number): number {
    return this.view.getInt32(this.check(at, 4), true);
  }
  u32(at: number): number {
    return this.view.getUint32(this.check(at, 4), true);
  }
  /** A 64-bit integer that must be a safe non-negative number: all of Arrow's are lengths and offsets. */
  size(at: number): number {
    const value = Number(this.view.getBigInt64(this.check(at, 8), true));
    if (!Number.isSafeInteger(value) || value < 0) throw new FlatError(`the length ${value}`);
    return value;
  }
  text(at: number): string {
    const length = this.u32(at);
    this.decode(at + 4, length);
    return new TextDecoder().decode(new Uint8Array(this.view.buffer, this.view.byteOffset + at + 4, length));
  }
  /** The places of a vector's elements of `width` bytes each. */
  elements(at: number, width: number): number[] {
    const length = this.u32(at);
    this.decode(at + 4, length * width);
    return Array.from({ length }, (_, i) => at + 4 + i * width);
  }
  private decode(at: number, length: number): void {
    this.decodedBytes += length;
    this.check(at, length);
    if (this.decodedBytes > this.view.byteLength) throw new FlatError('more than it has bytes for');
  }
  private check(at: number, length: number): number {
    if (at < 0 || at + length > this.view.byteLength)
      throw new FlatError(`a reference beyond its ${this.view.byteLength} bytes`);
    return at;
  }
}

/** A FlatBuffers table; fields are named by their number in the schema and absent fields read as their default. */
export class FlatTable {
  private readonly buffer: FlatBuffer;
  private readonly at: number;

  constructor(buffer: FlatBuffer, at: number) {
    this.buffer = buffer;
    this.at = at;
  }

  u8(field: number): number {
    const at = this.find(field);
    return at === undefined ? 0 : this.buffer.u8(at);
  }
  i16(field: number): number {
    const at = this.find(field);
    return at === undefined ? 0 : this.buffer.i16(at);
  }
  i32(field: number): number {
    const at = this.find(field);
    return at === undefined ? 0 : this.buffer.i32(at);
  }
  size(field: number): number {
    const at = this.find(field);
    return at === undefined ? 0 : this.buffer.size(at);
  }
  text(field: number): string {
    const at = this.follow(field);
    return at === undefined ? '' : this.buffer.text(at);
  }
  table(field: number): FlatTable | undefined {
    const at = this.follow(field);
    return at === undefined ? undefined : new FlatTable(this.buffer, at);
  }
  tables(field: number): FlatTable[] {
    return this.structs(field, 4).map((at) => new FlatTable(this.buffer, at + this.buffer.u32(at)));
  }
  /** The places of the structs of `width` bytes in a vector field; read them from the buffer. */
  structs(field: number, width: number): number[] {
    const at = this.follow(field);
    return at === undefined ? [] : this.buffer.elements(at, width);
  }
  private find(field: number): number | undefined {
    const vtable = this.at - this.buffer.i32(this.at);
    const slot = 4 + 2 * field;
    const shift = slot + 2 > this.buffer.i16(vtable) ? 0 : this.buffer.i16(vtable + slot);
    return shift === 0 ? undefined : this.at + shift;
  }
  private follow(field: number): number | undefined {
    const at = this.find(field);
    return at === undefined ? undefined : at + this.buffer.u32(at);
  }
}
