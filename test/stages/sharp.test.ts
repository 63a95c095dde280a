import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { openActivations } from '../../formats/tensors/activations.ts';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { pretrain } from '../../stages/pretrain/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { slw } from '../../stages/slw/declare.ts';
import { trainTokenizer } from '../../stages/train-tokenizer/declare.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

// The whole of SHARP on a model of 6 layers of 32, trained for a few seconds: small, but through the real stages.
const files: Record<string, string> = {};
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const bytes = (path: string): string => readFileSync(path).toString('base64');
const pretraining = {
  params: {
    hidden_size: 32,
    intermediate_size: 64,
    layers: 6,
    heads: 2,
    init_std: 0.15,
    init_residual_std: 0.15,
    max_length: 96,
    batch_size: 8,
    steps: 120,
    lr: 1e-2,
    save_every: 40,
  },
  inputs: {},
};
const facts = { layers: 6 };
const model = () => ({ files: { '': files.model as string }, facts });
const perplexity = async (recovery?: Record<string, string>): Promise<number> => {
  const inputs = {
    model: model(),
    data: files.eval as string,
    ...(recovery && { recovery: { files: recovery, facts: {} } }),
  };
  const outcome = await runStage(perplexityEval, { params: { max_length: 96 }, inputs });
  return (JSON.parse(readFileSync(only(outcome, 'metrics'), 'utf8')) as { perplexity: number }).perplexity;
};

beforeAll(async () => {
  const data = await runStage(dataset, { params: { generate: 'arxiv_math', records: 300, eval_fraction: 0.1 } });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
  const tokenizer = await runStage(trainTokenizer, { params: { vocab_size: 400 }, inputs: { data: files.train } });
  files.tokenizer = only(tokenizer, 'tokenizer');
  pretraining.inputs = { data: files.train, tokenizer: files.tokenizer };
  files.model = only(await runStage(pretrain, pretraining), 'model');
});

describe('pretrain', () => {
  it('learns', async () => {
    expect(await perplexity()).toBeLessThan(20); // 400 when it knows nothing
  });

  it('goes on after a kill to the same bytes as without one', async () => {
    const folder = temporaryFolder();
    const stop = new AbortController();
    const killed = runStage(pretrain, {
      ...pretraining,
      folder,
      signal: stop.signal,
      onProgress: ({ done }) => done === 50 && stop.abort(new Error('stopped')),
    });
    await expect(killed).rejects.toThrow('stopped');
    const again = await runStage(pretrain, { ...pretraining, folder });
    expect(again.reports[0]?.done).toBe(41);
    expect(bytes(only(again, 'model'))).toBe(bytes(files.model as string));
  });
});

describe('capture-activations', () => {
  const capture = (units?: string[]) =>
    runStage(captureActivations, {
      params: { fraction: 0.2, max_length: 96 },
      inputs: { model: model(), data: files.train as string },
      ...(units && { units }),
    });

  it("a layer's bytes do not depend on which layers are captured with it", async () => {
    const together = await capture();
    const alone = await capture(['layer 3']);
    expect(Object.keys(together.files)).toEqual(['layer 1', 'layer 2', 'layer 3', 'layer 4', 'layer 5', 'layer 6']);
    const one = alone.files['layer 3']?.activations as string;
    expect(bytes(one)).toBe(bytes(together.files['layer 3']?.activations as string));
    const reader = await openActivations(one);
    expect(reader.rows).toBe(alone.facts['layer 3']?.tokens);
    await reader.close();
  });
});

describe('share, slw and sft', () => {
  it('break the model, repair it layer by layer, and repair it further together', async () => {
    const shared = await runStage(share, { inputs: { model: model() } });
    const layers = ['layer 3', 'layer 5'];
    const data = files.train as string;
    const captured = await runStage(captureActivations, {
      params: { fraction: 0.5, max_length: 96 },
      inputs: { model: model(), data },
      units: layers,
    });
    const activations = Object.fromEntries(layers.map((unit) => [unit, captured.files[unit]?.activations as string]));
    const warm = await runStage(slw, {
      params: { rank: 8, batch_tokens: 256 },
      inputs: { model: model(), activations: { files: activations, facts: {} } },
    });
    expect(Object.keys(warm.files)).toEqual(['2→3', '4→5']);
    const parts = Object.fromEntries(
      Object.entries(warm.files).map(([unit, outputs]) => [unit, outputs.recovery as string]),
    );
    const tuned = await runStage(sft, {
      params: { max_length: 96, batch_size: 16, epochs: 1, lr: 3e-3 },
      inputs: { model: model(), recovery: { files: parts, facts: {} }, data },
    });
    for (const unit of Object.keys(warm.facts)) {
      const { first_loss, last_loss } = warm.facts[unit] as { first_loss: number; last_loss: number };
      expect(last_loss).toBeLessThan(first_loss);
    }
    const measured = {
      direct: await perplexity(shared.files[''] && { '': only(shared, 'recovery') }),
      slw: await perplexity(parts),
      sft: await perplexity({ '': only(tuned, 'recovery') }),
    };
    expect(measured.slw).toBeLessThan(measured.direct);
    expect(measured.sft).toBeLessThan(measured.slw);
  });

  it('sft without recovery parameters says what it needs', async () => {
    const shared = await runStage(share, { inputs: { model: model() } });
    const inputs = {
      model: model(),
      recovery: { files: { '': only(shared, 'recovery') }, facts: {} },
      data: files.train as string,
    };
    await expect(runStage(sft, { params: { max_length: 96 }, inputs })).rejects.toThrow(
      "stage 'sft' has nothing to train: expected a recovery with parameters of rank 1 or more, got none",
    );
  });
});
