// Texts that go through the layers together, and what their tokens see, as arrays that a recording is given.
import type { ReplayInput } from '../../tensor/backend/replay.ts';
import { causalMaskValues } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type Attend, framed } from '../forward/attend.ts';
import type { Extent } from '../forward/pass-operators.ts';
import { ropeTables } from '../forward/rope.ts';

/** B rows of T tokens. */
export interface Passage {
  readonly extent: Extent;
  /** [B*T], padded with 0 on the right. */
  readonly ids: Int32Array;
  readonly view: View;
}

/** Where tokens are and what they see. Passages of equal `kind` and extent have inputs of equal shapes. */
export interface View {
  readonly kind: string;
  inputs(): readonly ReplayInput[];
  /** What the tokens see, from these inputs. */
  attend(given: readonly tf.Tensor[]): Attend;
}

/** Bytes of masks and angles that are kept for the next layer. */
const keptBytes = 2 ** 26;

/** Views of whole sequences, by their number of tokens: positions from 0, each token sees those before it and itself. */
export function causalViews(config: ModelConfig): (tokens: number) => View {
  const known = new Map<number, ReplayInput[]>();
  let bytes = 0;
  const inputsOf = (tokens: number) => {
    const inputs = known.get(tokens) ?? frameInputs(config, tokens);
    if (known.has(tokens)) return inputs;
    const size = inputs.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (bytes + size > keptBytes) known.clear();
    bytes = known.size === 0 ? size : bytes + size;
    known.set(tokens, inputs);
    return inputs;
  };
  return (tokens) => ({ kind: 'causal', inputs: () => inputsOf(tokens), attend: attendFrame });
}

/** cos and sin [T, hd/2], the mask [T, T], and that of sliding layers where there are some. */
function frameInputs(config: ModelConfig, tokens: number): ReplayInput[] {
  const { cos, sin } = ropeTables(config, tokens);
  const { sliding_window: window } = config;
  const mask = (window?: number) => ({ data: causalMaskValues(tokens, window), shape: [tokens, tokens] });
  return [
    { data: cos, shape: [tokens, config.head_dim / 2] },
    { data: sin, shape: [tokens, config.head_dim / 2] },
    mask(),
    ...(window === undefined ? [] : [mask(window)]),
  ];
}

function attendFrame([cos, sin, full, near]: readonly tf.Tensor[]): Attend {
  const mask = (window: number | null) => (window === null ? full : near) as tf.Tensor2D;
  return framed({ cos: cos as tf.Tensor2D, sin: sin as tf.Tensor2D, mask });
}
