// sft with a teacher: what it changes, what is refused at its line, and a kill.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder, withDefaults } from './harness.ts';

const sizes = {
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 2,
  vocab_size: 320,
  max_position_embeddings: 128,
};
const folder = temporaryFolder();
const files = {
  model: join(folder, 'model.arrow'),
  other: join(folder, 'other.arrow'),
  strange: join(folder, 'strange.arrow'),
};
const given = { train: '', recovery: '' };
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const texts = { tokenizer_json: readFileSync(join(fixtures, 'tokenizer.json'), 'utf8'), tokenizer_config_json: null };
  const write = (path: string, over: object, seed: number) =>
    writeModel(
      path,
      tinyConfig({ ...sizes, ...over }),
      tinyWeights(tinyConfig({ ...sizes, ...over }), seed),
      texts,
      'BF16',
    );
  await write(files.model, {}, 1);
  await write(files.other, { num_hidden_layers: 3 }, 2);
  await write(files.strange, { vocab_size: 321 }, 3);
  given.train = only(
    await runStage(dataset, { params: { generate: 'arxiv_math', records: 16, eval_fraction: 0.25 } }),
    'train',
  );
  given.recovery = only(
    await runStage(lora, { params: { layers: 'all', rank: 2 }, inputs: { model: files.model } }),
    'recovery',
  );
});

const settings = {
  max_length: 96,
  batch_size: 4,
  micro_batch: 2,
  epochs: 2,
  lr: 1e-2,
  schedule: 'constant',
  warmup_ratio: 0,
  save_every: 2,
};
const tune = (params: Record<string, unknown>, teacher?: string, more: object = {}) =>
  runStage(sft, {
    params: { ...settings, ...params },
    inputs: { model: files.model, recovery: given.recovery, data: given.train, ...(teacher && { teacher }) },
    ...more,
  });
const bytes = (outcome: StageOutcome) => readFileSync(only(outcome, 'recovery')).toString('base64');

describe('sft with a teacher', () => {
  it('trains otherwise than without, and otherwise by another weight; a model is no teacher of itself', async () => {
    const plain = bytes(await tune({}));
    const taught = bytes(await tune({ distill: { weight: 1 } }, files.other));
    expect(taught).not.toBe(plain);
    expect(bytes(await tune({ distill: { weight: 2, temperature: 2 } }, files.other))).not.toBe(taught);
    const { loss } = JSON.parse(readFileSync(only(await tune({ distill: {} }, files.model), 'curve'), 'utf8')) as {
      loss: number[];
    };
    const alone = JSON.parse(readFileSync(only(await tune({}), 'curve'), 'utf8')) as { loss: number[] };
    expect(loss[0]).toBeCloseTo(alone.loss[0] as number, 3); // at the start it is its own teacher: no distance
  });

  it('goes on after a kill, to the same bytes', async () => {
    const whole = bytes(await tune({ distill: {} }, files.other));
    const place = temporaryFolder();
    const stop = new AbortController();
    const onProgress = ({ of, done }: { of?: string; done?: number }) => {
      if (of === 'step' && done === 3) stop.abort(new Error('killed'));
    };
    await expect(
      tune({ distill: {} }, files.other, { folder: place, signal: stop.signal, onProgress }),
    ).rejects.toThrow('killed');
    const again = await tune({ distill: {} }, files.other, { folder: place });
    expect(again.reports.filter(({ of }) => of === 'step').map(({ done }) => done)).toEqual([3, 4, 5, 6]);
    expect(bytes(again)).toBe(whole);
  });

  it('is refused where one half of it is missing, and for another vocabulary', async () => {
    const check = (params: object, ...inputs: string[]) =>
      sft.check?.(
        withDefaults(sft, params as Record<string, unknown>) as never,
        new Set(['model', 'recovery', 'data', ...inputs]),
      );
    expect(() => check({})).not.toThrow();
    expect(() => check({ distill: {} }, 'teacher')).not.toThrow();
    expect(() => check({}, 'teacher')).toThrow(
      "input 'teacher' is of distill, expected 'distill: { weight: 1, temperature: 1 }' beside it, or no teacher",
    );
    expect(() => check({ distill: {} })).toThrow(
      "distill needs input 'teacher': join it to the model to come near, such as the original",
    );
    const message =
      "input 'teacher' has 321 tokens and input 'model' 320: expected a teacher of the same vocabulary, such as the original";
    await expect(tune({ distill: {} }, files.strange)).rejects.toThrow(message);
    const facts = { model: { vocab_size: 320 }, teacher: { vocab_size: 321 }, recovery: {}, data: {} };
    await expect(sft.expect?.(withDefaults(sft, { distill: {} }) as never, facts)).rejects.toThrow(message);
  });
});
