// The TensorFlow.js backend that records: tensors are values of a graph, and reading one runs what is pending.
import { UserError } from '../../util/errors.ts';
import { reshape } from '../graph/build.ts';
import { contentOf } from '../graph/fed.ts';
import { concrete, type ElementType, Recorder, type Value } from '../graph/graph.ts';
import { planRun } from '../graph/lowering.ts';
import { type Piece, piecesOf } from '../graph/pieces.ts';
import type { Precision } from '../graph/precision.ts';
import type { RuntimeTensor, TensorData } from '../graph/runtime.ts';
import { tf } from '../tf.ts';
import type { SessionCache } from './sessions.ts';

/** What a data id stands for. */
interface Entry {
  value: Value;
  refCount: number;
  /** Elements of a string tensor, which only pass through. */
  readonly strings?: Uint8Array[] | undefined;
}

/** Arrays up to this many elements are copied on entry, so that a reused batch buffer cannot change what was recorded. */
const COPIED_ELEMENTS = 65_536;
/** A recording this long without a read is run, so that a loop that never reads cannot grow without bound. */
const LONGEST_RECORDING = 200_000;

/** TensorFlow.js backend `onnx`: kernels record, `readSync` compiles and runs everything live and pending at once. */
export class OnnxBackend extends tf.KernelBackend {
  readonly recorder: Recorder;
  readonly sessions: SessionCache;
  readonly #entries: tf.DataStorage<Entry>;
  /** All entries, where their values lie on a device, which has to be told what is used. */
  readonly #onDevice = new Set<Entry>();
  readonly #pending = new Set<Entry>();
  /** Whoever waits for a value; several may, since tensors share what they have in common. */
  readonly #consumers = new Map<Value, ((values: TensorData) => void)[]>();

  constructor(sessions: SessionCache, precision: Precision) {
    super();
    this.sessions = sessions;
    this.recorder = new Recorder(sessions.provider, precision);
    this.#entries = new tf.DataStorage<Entry>(this, tf.engine() as unknown as tf.DataMover);
  }

  /** Keeps `values` as a tensor. Arrays above 65,536 elements are not copied and must not change any more. */
  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    const dataId = {};
    this.move(dataId, values, shape, dtype, 1);
    return dataId;
  }

  override move(
    dataId: tf.DataId,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    if (dtype === 'string') {
      const value = concrete('bool', new Uint8Array(0), shape);
      this.#entries.set(dataId, { value, refCount, strings: values as Uint8Array[] });
      return;
    }
    const type = elementType(dtype);
    this.#enter(dataId, { value: concrete(type, ownArray(values, type), shape), refCount });
  }

  #enter(dataId: tf.DataId, entry: Entry): void {
    this.#entries.set(dataId, entry);
    if (this.sessions.device !== undefined) this.#onDevice.add(entry);
  }

  override read(dataId: tf.DataId): Promise<tf.BackendValues> {
    return Promise.resolve(this.readSync(dataId));
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    const entry = this.#entries.get(dataId);
    if (entry.strings !== undefined) return entry.strings;
    if (entry.value.pending) this.flush();
    return contentOf(entry.value, this.sessions.device);
  }

  /** Computes every live pending tensor, in one run or piece by piece, and forgets the recording. */
  flush(): void {
    const outputs = new Set<Value>();
    for (const entry of this.#pending) outputs.add(entry.value);
    if (outputs.size > 0) {
      const { nodes, cuts } = this.recorder;
      for (const piece of piecesOf(nodes, cuts, [...outputs])) this.#run(piece);
    }
    this.#pending.clear();
    this.#consumers.clear();
    this.recorder.clear();
    this.#freeUnused();
  }

  /** Nothing is recorded, so that what no tensor has will not be read. */
  #freeUnused(): void {
    this.sessions.device?.freeAllBut(new Set(Array.from(this.#onDevice, ({ value }) => value.numbers)));
  }

  #run({ nodes, outputs, aliases, done }: Piece): void {
    if (outputs.length > 0) {
      const results = this.sessions.run(planRun(nodes, outputs));
      outputs.forEach((value, i) => void this.#settle(value, results[i] as RuntimeTensor));
    }
    for (const [value, source] of aliases) value.settleAs(source);
    for (const value of done) value.release();
    for (const value of [...outputs, ...aliases.map(([alias]) => alias)]) this.#hand(value);
  }

  #settle(value: Value, tensor: RuntimeTensor): void {
    value.settle(tensor);
    if (value.numbers?.device !== undefined) this.sessions.device?.keep(value.numbers, tensor);
  }

  /** Gives a value to all that wait for it, and lets go of it. */
  #hand(value: Value): void {
    const uses = this.#consumers.get(value);
    if (uses === undefined) return;
    this.#consumers.delete(value);
    for (const use of uses) use(contentOf(value, this.sessions.device));
    value.release();
  }

  /** Hands the content of a tensor to `use`: now, or, where it is pending, once it is computed; then the tensor has none any more. */
  consume(info: tf.TensorInfo, use: (values: TensorData) => void): void {
    const { value } = this.#entries.get(info.dataId);
    if (value.pending) this.#consumers.set(value, [...(this.#consumers.get(value) ?? []), use]);
    else use(contentOf(value, this.sessions.device));
  }

  /** The recorded value of a tensor, in the tensor's own shape (reshapes share their data id). */
  recorded(info: tf.TensorInfo): Value {
    const entry = this.#entries.get(info.dataId);
    if (entry.strings !== undefined) throw new UserError(`string tensors cannot be computed with on backend 'onnx'`);
    return reshape(this.recorder, entry.value, info.shape);
  }

  /** A new tensor for a value that a kernel recorded. */
  adopt(value: Value): tf.TensorInfo {
    const dataId = {};
    const entry: Entry = { value: value.constant ? unboxed(value) : value, refCount: 1 };
    this.#enter(dataId, entry);
    if (value.pending) this.#pending.add(entry);
    if (this.recorder.nodes.length > LONGEST_RECORDING) this.flush();
    return { dataId, shape: value.shape as number[], dtype: value.type as tf.DataType };
  }

  override incRef(dataId: tf.DataId): void {
    this.#entries.get(dataId).refCount++;
  }

  override refCount(dataId: tf.DataId): number {
    return this.#entries.has(dataId) ? this.#entries.get(dataId).refCount : 0;
  }

  override disposeData(dataId: tf.DataId, force = false): boolean {
    if (!this.#entries.has(dataId)) return true;
    const entry = this.#entries.get(dataId);
    entry.refCount--;
    if (!force && entry.refCount > 0) return false;
    this.#entries.delete(dataId);
    this.#pending.delete(entry);
    this.#onDevice.delete(entry);
    return true;
  }

  override numDataIds(): number {
    return this.#entries.numDataIds();
  }

  /** Values that are recorded and live but not computed. */
  numPending(): number {
    return this.#pending.size;
  }

  override memory(): { unreliable: boolean; reasons?: string[] } {
    return { unreliable: true, reasons: ['intermediate values live inside ONNX Runtime and are not counted'] };
  }

  override floatPrecision(): 16 | 32 {
    return 32;
  }

  override epsilon(): number {
    return 1e-7;
  }

  override timerAvailable(): boolean {
    return false;
  }

  override async time(run: () => void): Promise<tf.BackendTimingInfo> {
    const start = performance.now();
    run();
    this.flush();
    return { kernelMs: performance.now() - start };
  }

  override dispose(): void {
    this.sessions.device?.close();
    this.sessions.clear();
  }
}

function elementType(dtype: tf.DataType): 'float32' | 'int32' | 'bool' {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new UserError(`backend 'onnx' expects tensors of float32, int32 or bool, got '${dtype}'`);
}

/** A constant of a graph as a tensor of its own. */
function unboxed(value: Value): Value {
  const buffer = (value.bytes as Uint8Array<ArrayBuffer>).slice().buffer;
  const type = elementType(value.type as tf.DataType);
  const Arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  return concrete(type, new Arrays(buffer), value.shape);
}

function ownArray(values: tf.BackendValues, type: ElementType): TensorData {
  const Arrays = type === 'float32' ? Float32Array : type === 'int32' ? Int32Array : Uint8Array;
  const source = values as TensorData;
  if (source instanceof Arrays) return source.length <= COPIED_ELEMENTS ? source.slice() : source;
  return Arrays.from(source);
}
