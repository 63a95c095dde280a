// Early exit against PyTorch: losses at several depths with their gradients, and decoding that stops early, its keys and values carried upward.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ExitWeighting, exitLosses, exitShares } from '../../model/exits/exit-losses.ts';
import type { ExitRule } from '../../model/exits/exit-rule.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel } from '../../model/forward/model.ts';
import { createDecoder, type Decoder } from '../../model/generate/decoder.ts';
import { createExitDecoder, type ExitStep } from '../../model/generate/exit-decoder.ts';
import type { Oracle } from '../../model/generate/oracles.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { expectClose, fixture, type Packed } from './fixtures.ts';
import { likeliest } from './greedy.ts';
import { expectGradients, loadedFor } from './pytorch-cases.ts';

interface LossCase {
  model: string;
  exits: number[];
  weights: ExitWeighting;
  ids: number[][];
  labels: number[][];
  loss: number;
  gradients: Record<string, Packed>;
}

interface DecodeCase {
  model: string;
  rule: ExitRule;
  oracle: Oracle;
  max_tokens: number;
  prompt: number[];
  made: number[];
  trace: [number, number | null][];
  classifiers?: { weight: number[]; bias: number }[];
}

const tolerance = 1e-5;
const { losses, decoded } = fixture<{ losses: LossCase[]; decoded: DecodeCase[] }>('exits.json');
beforeAll(() => useBackend({ backend: 'onnx' }));

describe('losses at several depths', () => {
  const named = losses.map((one) => [`after ${one.exits.join(', ')}, ${one.weights}`, one] as const);

  it.each(named)('%s: the loss and the gradients of PyTorch, also where layers are computed again', async (_, one) => {
    const { config } = await loadedFor(one);
    const exits = exitLosses(one.exits.join(), one.weights, config.num_hidden_layers);
    await expectGradients(one, undefined, { lossOf: (model, batch) => languageModelLoss(model, batch, { exits }) });
  });

  it('have shares that add up to 1', () => {
    expect(exitShares(4, 'uniform')).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(exitShares(4, 'linear')).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect(exitShares(3, 'geometric')).toEqual([1 / 7, 2 / 7, 4 / 7]);
    expect(exitShares(1000, 'geometric').every(Number.isFinite)).toBe(true);
  });
});

/** Decodes `prompts` side by side, and tells what every step did. */
async function decodeWith(decoder: Decoder, prompts: number[][], count: number): Promise<number[][]> {
  const { vocab_size } = decoder.model.config;
  const made: number[][] = prompts.map(() => []);
  decoder.resize(prompts.length);
  for await (const read of decoder.read(prompts)) {
    for (const prompt of read) {
      decoder.fill(prompt.number, prompt);
      made[prompt.number]?.push(likeliest(prompt.logits));
    }
  }
  while ((made[0] as number[]).length < count) {
    const tokens = Int32Array.from(made, (text) => text.at(-1) as number);
    const logits = await decoder.step(tokens, [...made.keys()]);
    for (const [b, text] of made.entries()) text.push(likeliest(logits.subarray(b * vocab_size, (b + 1) * vocab_size)));
  }
  return made;
}

async function exitDecoder({ model: name, rule, oracle, max_tokens, classifiers = [] }: DecodeCase) {
  const { weights, config } = await loadedFor({ model: name });
  const model = createModel(weights);
  onTestFinished(() => model.disposeFrames());
  const steps: ExitStep[] = [];
  const known = new Map(
    rule.exits.map((layer, i) => [
      layer,
      { weight: Float32Array.from(classifiers[i]?.weight ?? []), bias: classifiers[i]?.bias ?? 0 },
    ]),
  );
  const onStep = (step: ExitStep) => void steps.push(step);
  const settings = { exit: { rule, classifiers: known }, max_tokens, oracle, onStep };
  return { decoder: createExitDecoder(model, settings, config.max_position_embeddings), steps, model, config };
}

describe('decoding that stops early', () => {
  const named = decoded.map((one) => {
    const { confidence, threshold, decay, min_exit, propagate, exits } = one.rule;
    const rule = `${confidence} ${threshold}, exits ${exits.join()} from ${min_exit}, decay ${decay}, ${propagate}`;
    return [`${one.model}: ${rule}, oracle ${one.oracle}`, one] as const;
  });

  it.each(named)('%s: the tokens and the layers of PyTorch, step by step', async (_, one) => {
    const { decoder, steps, config } = await exitDecoder(one);
    const made = await decodeWith(decoder, [one.prompt], one.max_tokens);
    expect(made).toEqual([one.made]);
    expect(steps.map(({ layer }) => layer)).toEqual(one.trace.map(([layer]) => layer));
    for (const [i, [layer, confidence]] of one.trace.entries()) {
      if (confidence === null) expect([layer, steps[i]?.confidences]).toEqual([config.num_hidden_layers, undefined]);
      else expectClose(steps[i]?.confidences as number[], [confidence], tolerance, `confidence of step ${i + 1}`);
    }
  });

  it('is seen to stop at every depth and not to stop by these cases', () => {
    const layers = decoded.flatMap(({ trace }) => trace.map(([layer]) => layer));
    expect([...new Set(layers)].sort()).toEqual([1, 2, 3, 4]);
    expect(new Set(decoded.map(({ made }) => made.join())).size).toBeGreaterThan(8);
  });

  it('of a batch goes on until all of its texts are sure, and is told so', async () => {
    const [one] = decoded as [DecodeCase];
    const other = [...one.prompt].reverse();
    const { decoder, steps } = await exitDecoder(one);
    await decodeWith(decoder, [one.prompt, other], 6);
    const stopped = steps.filter(({ layer }) => layer < 4);
    expect(stopped.length).toBeGreaterThan(0);
    for (const { rows, confidences } of stopped) {
      expect(rows).toEqual([0, 1]);
      expect(Math.min(...(confidences as number[]))).toBeGreaterThanOrEqual(one.rule.threshold);
    }
  });

  it('asks the head once for each exit that it passes, and for states and classifiers once for each token', async () => {
    const [one] = decoded as [DecodeCase];
    const never = { ...one, rule: { ...one.rule, threshold: 1 } };
    const heads = async (given: DecodeCase) => {
      const { decoder, steps } = await exitDecoder(given);
      await decodeWith(decoder, [given.prompt], 3);
      return steps.map((step) => step.heads);
    };
    expect(await heads(never)).toEqual([4, 4]);
    expect(await heads({ ...never, rule: { ...never.rule, min_exit: 3 } })).toEqual([2, 2]);
    expect(await heads({ ...never, rule: { ...never.rule, confidence: 'state' } })).toEqual([1, 1]);
    const always = { ...one.rule, confidence: 'classifier', threshold: 0 } as const;
    const classifiers = one.rule.exits.map(() => ({ weight: new Array<number>(16).fill(0), bias: 0 }));
    expect(await heads({ ...one, rule: always, classifiers })).toEqual([1, 1]);
  });

  it('with a threshold that nothing reaches gives the logits of all layers, to 1e-6', async () => {
    const [one] = decoded as [DecodeCase];
    const { decoder, model } = await exitDecoder({ ...one, rule: { ...one.rule, exits: [1, 2, 3], threshold: 1 } });
    const whole = createDecoder(model);
    const logits = await Promise.all(
      [decoder, whole].map(async (each) => {
        each.resize(1);
        for await (const [prompt] of each.read([one.prompt])) if (prompt) each.fill(0, prompt);
        await each.step(Int32Array.of(7), [0]);
        return each.step(Int32Array.of(9), [0]);
      }),
    );
    expectClose(logits[0] as Float32Array, logits[1] as Float32Array, 1e-6, 'logits');
  });
});
