// Sums of x^T x over what enters the matrices of some layers: in which directions inputs are large.
import { exactMatMul } from '../../tensor/ops.ts';
import { tf } from '../../tensor/tf.ts';
import { type MatrixRole, matrixRoles } from '../architecture/roles.ts';
import { matrixShapeOf, tensorName } from '../architecture/tensors.ts';
import { embed, runBlock } from '../forward/forward.ts';
import { createModel, type Model } from '../forward/model.ts';

/** The first matrix that sees the same input: q for k and v, gate for up. */
export function inputRole(role: MatrixRole): MatrixRole {
  if (role === 'k' || role === 'v') return 'q';
  return role === 'up' ? 'gate' : role;
}

/** By layer (from 1) and {@link inputRole}: [in, in], row-major, float64. */
export type SecondMoments = ReadonlyMap<string, Float64Array>;

export function momentName(layer: number, role: MatrixRole): string {
  return `${layer} ${inputRole(role)}`;
}

/** The second moments of the inputs of layers `layers` on `windows` of one length; passes end behind the last of them. */
export async function secondMoments(
  model: Model,
  windows: readonly Int32Array[],
  layers: readonly number[],
  batch_size: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<SecondMoments> {
  const { config } = model;
  const sums = new Map<string, Float64Array>();
  const names = new Map<string, string>();
  for (const layer of layers) {
    for (const role of matrixRoles.filter((each) => inputRole(each) === each)) {
      const [, width] = matrixShapeOf(config, layer, role);
      sums.set(momentName(layer, role), new Float64Array(width * width));
      names.set(tensorName(config, layer, role), momentName(layer, role));
    }
  }
  const found: { name: string; moment: tf.Tensor }[] = [];
  const input = (name: string, x: tf.Tensor2D) => {
    const seen = model.weights.input?.(name, x) ?? x;
    const wanted = names.get(name);
    if (wanted !== undefined)
      found.push({ name: wanted, moment: tf.keep(exactMatMul(seen, seen, { transposeA: true })) });
    return seen;
  };
  const watched = createModel({ ...model.weights, input }, model.recovery);
  for (let at = 0; at < windows.length; at += batch_size) {
    const chosen = windows.slice(at, at + batch_size);
    passThrough(watched, chosen, Math.max(...layers));
    for (const { name, moment } of found.splice(0)) {
      addTo(sums.get(name) as Float64Array, (await moment.data()) as Float32Array);
      moment.dispose();
    }
    onProgress(at + chosen.length, windows.length);
    await new Promise((resolve) => setImmediate(resolve));
  }
  watched.disposeFrames();
  return sums;
}

function passThrough(model: Model, windows: readonly Int32Array[], last: number): void {
  const extent = { batch: windows.length, tokens: (windows[0] as Int32Array).length };
  const ids = Int32Array.from(windows.flatMap((window) => [...window]));
  let h = tf.tidy(() => embed(model, tf.tensor2d(ids, [extent.batch, extent.tokens], 'int32')));
  for (let layer = 1; layer <= last; layer++) {
    const before = h;
    h = tf.tidy(() => runBlock(model, layer, before, extent).h);
    before.dispose();
  }
  h.dispose();
}

function addTo(sum: Float64Array, values: Float32Array): void {
  for (let i = 0; i < values.length; i++) sum[i] = (sum[i] as number) + (values[i] as number);
}
