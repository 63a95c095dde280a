// Little-endian numbers and texts, one after the other, in bytes that grow as needed.

/** What is written stands in a buffer that is replaced when it is full: a number's place is taken first, then its view. */
export class ByteList {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Begins with room for `capacity` bytes, at least one. */
  constructor(capacity = 2 ** 16) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  uint8(value: number): this {
    return this.#put(1, (view, at) => view.setUint8(at, value));
  }

  uint32(value: number): this {
    return this.#put(4, (view, at) => view.setUint32(at, value, true));
  }

  int32(value: number): this {
    return this.#put(4, (view, at) => view.setInt32(at, value, true));
  }

  uint64(value: number): this {
    return this.#put(8, (view, at) => view.setBigUint64(at, BigInt(value), true));
  }

  float32(value: number): this {
    return this.#put(4, (view, at) => view.setFloat32(at, value, true));
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): this {
    const at = this.#take(bytes.byteLength);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Its length in bytes (uint64), then its UTF-8. */
  text(text: string): this {
    const bytes = new TextEncoder().encode(text);
    return this.uint64(bytes.byteLength).raw(bytes);
  }

  joined(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #put(size: number, write: (view: DataView, at: number) => void): this {
    const at = this.#take(size);
    write(this.#view, at); // only now: taking a place may have replaced the view
    return this;
  }

  /** Makes room for `size` bytes and returns where it begins. */
  #take(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.byteLength));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}
