// What lies in a device's memory from one run to the next: what runs have made, and what more than one of them has read.
import { concrete, type Numbers, Recorder, type Shape, sizeOf, type Value } from './graph.ts';
import { encodePlan, planRun, valueName } from './lowering.ts';
import {
  createSession,
  deviceView,
  type RuntimeOptions,
  type RuntimeTensor,
  runtimeTensor,
  type Session,
  type TensorData,
} from './runtime.ts';

/** Bytes that went to a device and came back. */
interface Traffic {
  fed_bytes: number;
  fetched_bytes: number;
}

/** Where a copy goes. */
type Target = 'device' | 'process';

interface Copier {
  readonly session: Session;
  readonly from: string;
  readonly to: string;
}

/** Keeps numbers on the device of a provider, for as long as a tensor has them. */
export class DeviceMemory {
  readonly #options: RuntimeOptions;
  readonly #traffic: Traffic;
  readonly #held = new Set<Numbers>();
  readonly #readOnce = new WeakSet<Numbers>();
  readonly #copiers = new Map<string, Copier>();

  /** Counts in `traffic` what it moves. */
  constructor(options: RuntimeOptions, traffic: Traffic) {
    this.#options = options;
    this.#traffic = traffic;
  }

  /** A concrete value as a run takes it. What a second run reads moves to the device, and has no copy in this process any more. */
  tensorOf(value: Value): RuntimeTensor {
    const numbers = value.numbers as Numbers;
    if (numbers.device === undefined) {
      if (!this.#isReadAgain(numbers, value.shape)) return value.runtime();
      this.keep(numbers, this.#copy(flat(value.runtime()), 'device'));
      value.forgetRuntime();
    }
    return deviceView(numbers.device as RuntimeTensor, value.shape);
  }

  #isReadAgain(numbers: Numbers, shape: Shape): boolean {
    if (sizeOf(shape) === 0) return false; // which no device can hold
    if (this.#readOnce.has(numbers)) return true;
    this.#readOnce.add(numbers);
    return false;
  }

  /** Puts `tensor`, which lies on the device, in the place of what `numbers` are so far. */
  keep(numbers: Numbers, tensor: RuntimeTensor): void {
    numbers.device = tensor;
    numbers.data = undefined;
    this.#held.add(numbers);
  }

  /** A copy in this process. */
  read(device: RuntimeTensor): TensorData {
    return this.#copy(deviceView(device, [sizeOf(device.dims)]), 'process').data as TensorData;
  }

  /** Frees all but `used`. */
  freeAllBut(used: ReadonlySet<Numbers | undefined>): void {
    for (const numbers of this.#held) {
      if (used.has(numbers)) continue;
      this.#held.delete(numbers);
      numbers.device?.dispose();
    }
  }

  /** Frees all, and what copies. */
  close(): void {
    this.freeAllBut(new Set());
    for (const { session } of this.#copiers.values()) session.dispose();
    this.#copiers.clear();
  }

  /** Bytes held. */
  get bytes(): number {
    let sum = 0;
    for (const { device } of this.#held) sum += device === undefined ? 0 : bytesOf(device);
    return sum;
  }

  #copy(tensor: RuntimeTensor, target: Target): RuntimeTensor {
    const key = `${tensor.type} ${target}`;
    const { session, from, to } = this.#copiers.get(key) ?? this.#copier(key, tensor.type as 'float32', target);
    this.#traffic[target === 'device' ? 'fed_bytes' : 'fetched_bytes'] += bytesOf(tensor);
    return session.run({ [from]: tensor }, { [to]: null })[to] as RuntimeTensor;
  }

  /** The binding's own way to read a device's tensor ends the process (1.30.0), so that a graph that computes nothing has to do it. */
  #copier(key: string, type: 'float32' | 'int32' | 'bool', target: Target): Copier {
    const recorder = new Recorder(this.#options.provider);
    const given = concrete(type, new Uint8Array(1), [1]);
    given.free = 0;
    const plan = planRun(recorder.nodes, [recorder.add('Identity', [given], [1], type)]);
    const [from, to] = [valueName(plan.inputs[0] as Value), valueName(plan.outputs[0] as Value)];
    const onDevice = target === 'device' ? [to] : [];
    const session = createSession(encodePlan(plan), { ...this.#options, profilePrefix: undefined, onDevice });
    const copier = { session, from, to };
    this.#copiers.set(key, copier);
    return copier;
  }
}

function flat(tensor: RuntimeTensor): RuntimeTensor {
  return runtimeTensor(tensor.type as 'float32', tensor.data as TensorData, [sizeOf(tensor.dims)]);
}

/** Bytes of a tensor's elements, which are those that tensors of TensorFlow.js have. */
function bytesOf({ type, dims }: RuntimeTensor): number {
  return sizeOf(dims) * (type === 'bool' ? 1 : 4);
}
