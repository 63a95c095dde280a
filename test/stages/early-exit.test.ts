// Early exit as stages: what is described, what cannot be, answers that stop early, their agreement, and a calibrated threshold that keeps its promise.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import { checkClassifiers, readExit, writeExit } from '../../model/checkpoint/exit-file.ts';
import { cheapest, passingThresholds, pValue } from '../../model/exits/calibrate.ts';
import type { ExitRule } from '../../model/exits/exit-rule.ts';
import { decodingSummary, stepCosts, stoppedOperations } from '../../model/sizes/step-costs.ts';
import { calibrateExit } from '../../stages/calibrate-exit/declare.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { decode } from '../../stages/decode/declare.ts';
import { earlyExit } from '../../stages/early-exit/declare.ts';
import { exitLatency } from '../../stages/exit-latency/declare.ts';
import { type DecodeSample, exitLatencyReport } from '../../stages/exit-latency/report.ts';
import { exitRisk } from '../../stages/exit-risk/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { parallelLayers } from '../../stages/parallel-layers/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { textAgreement } from '../../stages/text-agreement/declare.ts';
import { trainExitClassifierStage } from '../../stages/train-exit-classifier/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { createRandom } from '../../util/random.ts';
import { ngramOverlap, rougeL } from '../../util/rouge.ts';
import { fixture, fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder, withDefaults } from './harness.ts';

const config = tinyConfig({
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 6,
  vocab_size: 320,
  max_position_embeddings: 160,
});
const files = { model: join(temporaryFolder(), 'model.arrow'), train: '', eval: '' };
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>;
const describeExit = async (params: Record<string, unknown>, inputs: Record<string, string> = {}) =>
  only(await runStage(earlyExit, { params, inputs: { model: files.model, ...inputs } }), 'exit');
const answers = { limit: 3, max_tokens: 8 };
const decoded = (inputs: Record<string, string>, params: Record<string, unknown> = {}) =>
  runStage(decode, { params: { ...answers, ...params }, inputs: { model: files.model, data: files.eval, ...inputs } });

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  await writeModel(files.model, config, tinyWeights(config), { tokenizer_json, tokenizer_config_json: null }, 'F32');
  const data = await runStage(dataset, { params: { generate: 'arxiv_math', records: 24, eval_fraction: 0.25 } });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
});

describe('early-exit', () => {
  it('writes the rule: layers that are named, or at equal steps', async () => {
    const named = await readExit([await describeExit({ exits: '2,4-5', threshold: 0.7, confidence: 'gap' })], {
      config,
    });
    expect(named.rule).toEqual({
      exits: [2, 4, 5],
      min_exit: 1,
      confidence: 'gap',
      threshold: 0.7,
      decay: 'none',
      tau: 4,
      propagate: 'exit',
    });
    const stepped = await readExit([await describeExit({ first_exit: 2, exit_interval: 2 })], { config });
    expect(stepped.rule.exits).toEqual([2, 4]);
  });

  it('is refused at its line for layers that are none, and where the model is not that deep', async () => {
    const names = new Set(['model']);
    const check = (params: Record<string, unknown>) => () =>
      earlyExit.check?.(withDefaults(earlyExit as never, params) as never, names);
    expect(check({ exits: '0,2' })).toThrow("'exits': layers count from 1, got '0,2'");
    expect(check({ exits: 'all' })).toThrow("'exits': 'all' is not a layer, expected a number such as '4' or a range");
    expect(check({ exits: '2,4', first_exit: 3 })).toThrow(
      "'exits' names the layers themselves, so 'first_exit' has no place beside it: leave one of them out",
    );
    expect(() => withDefaults(earlyExit as never, { threshold: 1.2 })).toThrow('must be <= 1');
    const model = { layers: 6 };
    const expected = (params: Record<string, unknown>, recovery = {}) =>
      earlyExit.expect?.(withDefaults(earlyExit as never, params) as never, { model, recovery });
    expect(await expected({ exits: '2,5' })).toEqual({ exits: [2, 5], confidence: 'max_probability' });
    await expect(expected({ exits: '2,6' })).rejects.toThrow(
      "'exits': expected layers from 1 to 5 in a model of 6 layers, which ends after the last anyway, got 6",
    );
    await expect(expected({ first_exit: 9 })).rejects.toThrow("'first_exit': expected a layer from 1 to 5");
    await expect(expected({ exits: '2,4', min_exit: 5 })).rejects.toThrow(
      "'exits': no exit is at or above 'min_exit' 5: the last one is 4",
    );
    const parallel = { first: 3, last: 6, variant: 'paper' };
    await expect(expected({ exits: '3' }, { parallel })).rejects.toThrow(
      "'exits': layers 3 and 4 run side by side as one step, expected an exit after 4, got 3",
    );
  });

  it('from a file of anybody is checked', async () => {
    const path = join(temporaryFolder(), 'exit.arrow');
    const rule = {
      exits: [2, 4],
      min_exit: 1,
      confidence: 'classifier',
      threshold: 0.5,
      decay: 'none',
      tau: 4,
      propagate: 'exit',
    } as const;
    const classifier = { weight: new Float32Array(16), bias: 0 };
    await writeExit(path, { rule, classifiers: new Map([[2, classifier]]) });
    const read = await readExit([path], { config });
    expect(() => checkClassifiers(read)).toThrow(
      'has no classifier for the exit after layer 4, expected a description with one for each exit that is asked',
    );
    await writeExit(path, { rule, classifiers: new Map([[2, { weight: new Float32Array(15), bias: 0 }]]) });
    await expect(readExit([path], { config })).rejects.toThrow(
      "tensor 'classifiers.2.weight': expected [16] for this model, got [15]",
    );
    for (const changed of [{ exits: [4, 2] }, { threshold: 2 }, { confidence: 'other' }, { min_exit: 0 }]) {
      await writeExit(path, { rule: { ...rule, ...changed } as unknown as ExitRule, classifiers: new Map() });
      await expect(readExit([path], { config })).rejects.toThrow("expected a rule with 'exits' (layers, ascending)");
    }
    await expect(readExit([files.model], { config })).rejects.toThrow("must hold an exit description (kind 'exit')");
  });
});

describe('decode', () => {
  it('says with a threshold that nothing reaches what all layers say, and counts every head that was asked', async () => {
    const full = await decoded({});
    const never = await decoded({ exit: await describeExit({ exits: '2,4', threshold: 1 }) });
    const [a, b] = [json(only(full, 'metrics')), json(only(never, 'metrics'))];
    expect(readFileSync(only(never, 'texts'), 'utf8')).toBe(readFileSync(only(full, 'texts'), 'utf8'));
    expect(a).toMatchObject({ records: 3, layers: 6, layers_with_kv: 6, heads: 1, saved: 0, early: 0 });
    expect(b).toMatchObject({ layers: 6, heads: 3, early: 0, tokens: a.tokens });
    const added = 2 * 2 * 16 * 320;
    expect((b.operations_per_token as number) - (a.operations_per_token as number)).toBeCloseTo(added, 6);
    expect(b.saved).toBeCloseTo(-added / (a.operations_per_token as number), 9);
  });

  it('saves layers where all tokens stop at the first exit, keys and values counted, and agrees less', async () => {
    const full = await decoded({});
    const early = await decoded({ exit: await describeExit({ exits: '2,4', threshold: 0 }) });
    const metrics = json(only(early, 'metrics'));
    const keys = 2 * 2 * 16 * config.num_key_value_heads * config.head_dim;
    const layer = 2 * (2 * 16 * 16 + 2 * 16 * config.num_key_value_heads * config.head_dim + 3 * 16 * 24);
    expect(metrics).toMatchObject({ layers: 2, heads: 1, early: 1, by_layer: { 2: 1 } });
    expect(metrics.layers_with_kv).toBeCloseTo(2 + (4 * keys) / layer, 9);
    const texts = { texts: only(early, 'texts'), reference: only(full, 'texts') };
    const agreement = json(only(await runStage(textAgreement, { inputs: texts }), 'metrics'));
    expect(agreement.records).toBe(3);
    expect(agreement.exact).toBeLessThan(1);
    const same = { texts: only(full, 'texts'), reference: only(full, 'texts') };
    const own = json(only(await runStage(textAgreement, { inputs: same }), 'metrics'));
    expect(own).toMatchObject({ exact: 1, tokens: 1, rouge_l: 1, ngram_4: 1 });
  });

  it('tells the sources of error apart by oracles, and refuses them without exits', async () => {
    const exit = await describeExit({ exits: '2,4', threshold: 0.02 });
    const texts = async (oracle: string) => readFileSync(only(await decoded({ exit }, { oracle }), 'texts'), 'utf8');
    const all = [await texts('none'), await texts('cache'), await texts('token'), await texts('exit')];
    expect(new Set(all).size).toBeGreaterThan(1);
    await expect(decoded({}, { oracle: 'cache' })).rejects.toThrow(
      "oracle: cache is about early exits, expected input 'exit' (of stage 'early-exit') with it",
    );
  });

  it('goes on where layers run side by side, with exits between the pairs alone', async () => {
    const pairs = await runStage(parallelLayers, { params: { layers: '3-6' }, inputs: { model: files.model } });
    const recovery = only(pairs, 'recovery');
    const exit = await describeExit({ exits: '2,4', threshold: 0 }, { recovery });
    expect(json(only(await decoded({ recovery, exit }), 'metrics'))).toMatchObject({ layers: 2 });
    const inside = await describeExit({ exits: '3', threshold: 0 });
    await expect(decoded({ recovery, exit: inside })).rejects.toThrow(
      'layers 3 and 4 run side by side as one step, expected an exit after 4, got 3',
    );
  });

  it('takes the same halves for the same seed, which have no record in common', async () => {
    const ids = async (part: string, seed: number) => {
      const outcome = await runStage(decode, {
        params: { max_tokens: 2, part },
        inputs: { model: files.model, data: files.eval },
        seed,
      });
      return readFileSync(only(outcome, 'texts'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { id: string }).id);
    };
    const [first, second] = [await ids('first', 7), await ids('second', 7)];
    expect([...first, ...second].sort()).toEqual((await ids('all', 7)).sort());
    expect(first.length).toBe(3);
  });
});

describe('sft with losses at exits', () => {
  it('trains, differs from the last loss alone, and refuses what cannot be', async () => {
    const params = { layers: 'all', rank: 2, matrices: ['q', 'o', 'up', 'down'] };
    const started = only(await runStage(lora, { params, inputs: { model: files.model } }), 'recovery');
    const train = async (more: Record<string, unknown>) => {
      const settings = {
        max_length: 96,
        batch_size: 18,
        max_steps: 6,
        lr: 1e-2,
        schedule: 'constant',
        warmup_ratio: 0,
      };
      const inputs = { model: files.model, recovery: started, data: files.train };
      return runStage(sft, { params: { ...settings, ...more }, inputs });
    };
    const curve = (outcome: StageOutcome) => (json(only(outcome, 'curve')) as unknown as { loss: number[] }).loss;
    const last = curve(await train({}));
    const exits = curve(await train({ exits: '2,4', exit_weights: 'linear' }));
    expect(exits[0]).not.toBe(last[0]);
    expect(exits.at(-1)).toBeLessThan(exits[0] as number);
    await expect(train({ exits: '2,6' })).rejects.toThrow(
      "'exits': expected layers from 1 to 5 in a model of 6 layers",
    );
    await expect(train({ exit_weights: 'linear' })).rejects.toThrow(
      "'exit_weights' weighs the losses at 'exits': name the layers with 'exits', or leave it out",
    );
  });
});

describe('train-exit-classifier', () => {
  const training = { max_length: 96, batch_size: 6, micro_batch: 3, lr: 0.02, max_steps: 12, epochs: 4 };
  const train = (exit: string, params: Record<string, unknown> = {}, more: object = {}) =>
    runStage(trainExitClassifierStage, {
      params: { ...training, ...params },
      inputs: { model: files.model, exit, data: files.train },
      ...more,
    });
  const lossesOf = (outcome: StageOutcome) => (json(only(outcome, 'curve')) as unknown as { loss: number[] }).loss;

  it('gives the description that came in, asking one classifier after each exit, which decoding, risks and calibration take', async () => {
    const given = await describeExit({ exits: '2,4', min_exit: 3, threshold: 0.3, decay: 'paper', tau: 2 });
    const trained = await train(given);
    const losses = lossesOf(trained);
    expect(losses).toHaveLength(12);
    expect(losses[0]).toBeCloseTo(Math.log(2), 4);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    const exit = only(trained, 'exit');
    const [before, after] = await Promise.all([given, exit].map((path) => readExit([path], { config })));
    expect(after?.rule).toEqual({ ...before?.rule, confidence: 'classifier' });
    expect([...(after?.classifiers.keys() ?? [])]).toEqual([2, 4]);
    expect(after?.classifiers.get(2)).toEqual(after?.classifiers.get(4));
    expect(after?.classifiers.get(2)?.weight.some((value) => value !== 0)).toBe(true);
    expect(trained.facts['']).toMatchObject({ exits: [2, 4], confidence: 'classifier', steps: 12 });
    const early = await decoded({ exit });
    expect(json(only(early, 'metrics')).heads).toBe(1);
    const reference = only(await decoded({}), 'texts');
    const inputs = { model: files.model, exit, data: files.eval, reference };
    const tried = await runStage(exitRisk, { params: { ...answers, thresholds: [1] }, inputs });
    const risks = { files: { 'threshold 1': tried.files['threshold 1']?.metrics as string }, facts: {} };
    const calibrated = await runStage(calibrateExit, {
      params: { risk: 'exact', delta: 0.9, epsilon: 0.3 },
      inputs: { exit, risks },
    });
    const kept = await readExit([only(calibrated, 'exit')], { config });
    expect([kept.rule.threshold, kept.rule.confidence, kept.classifiers]).toEqual([
      1,
      'classifier',
      after?.classifiers,
    ]);
  });

  it('trains another classifier for every loss and variant', async () => {
    const given = await describeExit({ exits: '2,4' });
    const weights = new Set<string>();
    for (const loss of ['independent', 'geometric']) {
      for (const variant of ['paper', 'released']) {
        const exit = await readExit([only(await train(given, { loss, variant }), 'exit')], { config });
        weights.add(String(exit.classifiers.get(2)?.weight));
      }
    }
    expect(weights.size).toBe(4);
  });

  it('goes on after a kill, to the same bytes', async () => {
    const given = await describeExit({ exits: '2,4' });
    const whole = await train(given, { save_every: 4 });
    const folder = temporaryFolder();
    const stopped = new AbortController();
    const onProgress = ({ of, done }: { of?: string; done?: number }) => {
      if (of === 'step' && done === 6) stopped.abort(new Error('killed'));
    };
    await expect(train(given, { save_every: 4 }, { folder, signal: stopped.signal, onProgress })).rejects.toThrow(
      'killed',
    );
    const again = await train(given, { save_every: 4 }, { folder });
    expect(again.reports.filter(({ of }) => of === 'step')).toHaveLength(8);
    for (const output of ['exit', 'curve']) {
      expect(readFileSync(only(again, output))).toEqual(readFileSync(only(whole, output)));
    }
  });

  it('sees the model with its recovery', async () => {
    const given = await describeExit({ exits: '2,4' });
    const recovery = only(
      await runStage(parallelLayers, { params: { layers: '3-6' }, inputs: { model: files.model } }),
      'recovery',
    );
    const inputs = { model: files.model, recovery, exit: given, data: files.train };
    const paired = await runStage(trainExitClassifierStage, { params: training, inputs });
    expect(readFileSync(only(paired, 'exit'))).not.toEqual(readFileSync(only(await train(given), 'exit')));
  });

  it('says before anything runs what it cannot be trained for', async () => {
    const expected = (facts: Record<string, unknown>) =>
      trainExitClassifierStage.expect?.(withDefaults(trainExitClassifierStage as never, {}) as never, {
        model: { layers: 6 },
        ...facts,
      });
    expect(await expected({ exit: { exits: [2, 4], confidence: 'gap' } })).toEqual({
      exits: [2, 4],
      confidence: 'classifier',
    });
    expect(await expected({})).toBeUndefined();
    await expect(expected({ exit: { exits: [] } })).rejects.toThrow(
      "input 'exit' describes no exits, expected one with layers to train a classifier for: that of stage 'early-exit'",
    );
    await expect(expected({ exit: { exits: [2, 6] } })).rejects.toThrow(
      "input 'exit': expected layers from 1 to 5 in a model of 6 layers, which ends after the last anyway, got 6",
    );
    const recovery = { parallel: { first: 3, last: 6, variant: 'paper' } };
    await expect(expected({ exit: { exits: [3] }, recovery })).rejects.toThrow(
      "input 'exit': layers 3 and 4 run side by side as one step, expected an exit after 4, got 3",
    );
    const none = join(temporaryFolder(), 'none.arrow');
    const { rule } = await readExit([await describeExit({ exits: '2' })], { config });
    await writeExit(none, { rule: { ...rule, exits: [] }, classifiers: new Map() });
    await expect(train(none)).rejects.toThrow("input 'exit' describes no exits");
  });
});

describe('calibrate-exit', () => {
  interface PCase {
    mean: number;
    n: number;
    delta: number;
    hoeffding: number;
    hoeffding_bentkus: number;
  }
  const { p_values, rouge_l } = fixture<{
    p_values: PCase[];
    rouge_l: { target: string; text: string; f: number }[];
  }>('exits.json');

  it('has the p-values of SciPy, and the ROUGE-L of rouge-score', () => {
    for (const { mean, n, delta, ...wanted } of p_values) {
      for (const bound of ['hoeffding', 'hoeffding_bentkus'] as const) {
        const p = pValue(mean, n, delta, bound);
        expect(Math.abs(p - wanted[bound]), `${bound} of ${mean}, ${n}, ${delta}`).toBeLessThan(
          1e-9 + 1e-9 * wanted[bound],
        );
      }
    }
    for (const { target, text, f } of rouge_l) expect(rougeL(target, text)).toBeCloseTo(f, 12);
    expect(ngramOverlap('a b c d', 'a b c x', 2)).toBeCloseTo(2 / 3, 12);
    expect(ngramOverlap('a a', 'a', 1)).toBeCloseTo(2 / 3, 12);
  });

  it('tests from the highest threshold down and stops at the first that fails', () => {
    const losses = (bad: number) => Array.from({ length: 100 }, (_, i) => Number(i < bad));
    const tried = [
      { threshold: 0.5, losses: losses(0), operations: 1 },
      { threshold: 0.9, losses: losses(0), operations: 3 },
      { threshold: 0.7, losses: losses(60), operations: 2 },
    ];
    const passed = passingThresholds(tried, { delta: 0.2, epsilon: 0.05, bound: 'hoeffding' });
    expect(passed.map(({ threshold }) => threshold)).toEqual([0.9]);
    expect(cheapest(passed)?.threshold).toBe(0.9);
    expect(passed[0]?.p).toBeCloseTo(Math.exp(-8), 12);
  });

  it('breaks its promise in no more than epsilon of many draws', () => {
    // the true risk of threshold t is 1 - t: thresholds below 0.8 break delta = 0.2
    const random = createRandom('calibration', 5);
    const thresholds = [0.95, 0.9, 0.85, 0.8, 0.79, 0.75, 0.7];
    for (const bound of ['hoeffding', 'hoeffding_bentkus'] as const) {
      let [broken, chosenEver] = [0, 0];
      for (let draw = 0; draw < 2000; draw++) {
        const tried = thresholds.map((threshold) => ({
          threshold,
          losses: Array.from({ length: 120 }, () => Number(random.uniform() > threshold)),
          operations: threshold,
        }));
        const chosen = cheapest(passingThresholds(tried, { delta: 0.2, epsilon: 0.1, bound }));
        if (chosen !== undefined) chosenEver++;
        if (chosen !== undefined && chosen.threshold < 0.8) broken++;
      }
      expect(chosenEver).toBeGreaterThan(1000);
      expect(broken / 2000).toBeLessThanOrEqual(0.1);
    }
  });

  it('writes the description with the threshold that it chose, or one without exits', async () => {
    const exit = await describeExit({ exits: '2,4' });
    const reference = only(await decoded({}), 'texts');
    const inputs = { model: files.model, exit, data: files.eval, reference };
    const tried = await runStage(exitRisk, { params: { ...answers, thresholds: [1, 0] }, inputs });
    const risks = {
      files: Object.fromEntries(Object.entries(tried.files).map(([unit, out]) => [unit, out.metrics as string])),
      facts: {},
    };
    expect(Object.keys(risks.files)).toEqual(['threshold 1', 'threshold 0']);
    const calibrated = (params: Record<string, unknown>) =>
      runStage(calibrateExit, { params, inputs: { exit, risks } });
    const kept = await calibrated({ risk: 'exact', delta: 0.9, epsilon: 0.3 });
    expect(json(only(kept, 'metrics'))).toMatchObject({ threshold: 1, risk: 0, tried: 2, records: 3 });
    expect((await readExit([only(kept, 'exit')], { config })).rule).toMatchObject({ exits: [2, 4], threshold: 1 });
    const none = await calibrated({ risk: 'exact', delta: 0.1, epsilon: 0.01 });
    expect(json(only(none, 'metrics'))).toMatchObject({ passed: 0, saved: 0 });
    expect((await readExit([only(none, 'exit')], { config })).rule.exits).toEqual([]);
    expect(none.warnings).toEqual([
      'no threshold keeps the risk at 0.1 with probability 0.99, so that all layers are run: try higher thresholds, more records or a larger delta',
    ]);
    expect(json(only(await decoded({ exit: only(none, 'exit') }), 'metrics'))).toMatchObject({ layers: 6, heads: 1 });
  });
});

describe('exit-latency', () => {
  it('times the very tokens that decode makes, with exits and with all layers, in rounds that are divided one by one', async () => {
    const exit = await describeExit({ exits: '2,4', threshold: 0 });
    const inputs = { model: files.model, exit, data: files.eval };
    const outcome = await runStage(exitLatency, { params: { ...answers, repetitions: 3, machine: 'm' }, inputs });
    const metrics = json(only(outcome, 'metrics')) as unknown as Record<string, number> & {
      samples: DecodeSample[];
      full_samples: DecodeSample[];
      measured: Record<string, unknown>;
    };
    const { samples, full_samples, measured, ...figures } = metrics;
    const made = async (given: Record<string, string>) => json(only(await decoded(given), 'metrics')).tokens;
    expect(samples.map(({ tokens }) => tokens)).toEqual(Array(3).fill(await made({ exit })));
    expect(full_samples.map(({ tokens }) => tokens)).toEqual(Array(3).fill(await made({})));
    expect(figures).toEqual(JSON.parse(JSON.stringify(exitLatencyReport(samples, full_samples), withoutSamples)));
    expect(measured).toMatchObject({ machine: 'm', repetitions: 3, max_tokens: 8, provider: 'cpu', threads: 1 });
    expect(outcome.reports.filter(({ of }) => of === 'round')).toHaveLength(4);
    for (const field of exitLatency.outputs.metrics.fields) expect(figures[field], field).toBeTypeOf('number');
  });

  const withoutSamples = (key: string, value: unknown) => (key.endsWith('samples') ? undefined : value);

  it('takes the time of a token, and the median of the rounds', () => {
    const sample = (wall_s: number, cpu_s: number, tokens: number) => ({ wall_s, cpu_s, tokens });
    const early = [sample(1, 2, 10), sample(2, 2, 10), sample(8, 3, 20)];
    const full = [sample(2, 2, 20), sample(2, 4, 20), sample(4, 4, 20)];
    expect(exitLatencyReport(early, full)).toMatchObject({
      token_ms: 200,
      full_token_ms: 100,
      token_cpu_ms: 200,
      full_token_cpu_ms: 200,
      token_ratio: 2,
      token_ratio_q1: 1.5,
      token_ratio_q3: 2,
      token_cpu_ratio: 1,
      tokens: 10,
      full_tokens: 20,
      n: 3,
    });
  });

  it('says what there is to do where no answer has a second token', async () => {
    const data = join(temporaryFolder(), 'short.jsonl');
    const [line = ''] = readFileSync(files.eval, 'utf8').split('\n');
    writeFileSync(data, `${line}\n`);
    const exit = await describeExit({ exits: '2,4', threshold: 0 });
    const [first] = await firstTokens(data);
    // a model whose every answer ends at once: its end token is what it says first
    const model = join(temporaryFolder(), 'ended.arrow');
    const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
    const ended = { ...config, eos_token_id: first as number };
    await writeModel(model, ended, tinyWeights(config), { tokenizer_json, tokenizer_config_json: null }, 'F32');
    await expect(
      runStage(exitLatency, { params: { ...answers, repetitions: 2 }, inputs: { model, exit, data } }),
    ).rejects.toThrow(
      'no answer has a second token, and the first comes from reading the prompt: expected records with longer answers to time',
    );
  });

  /** The tokens of the answer to the first record of `data`. */
  async function firstTokens(data: string): Promise<number[]> {
    const texts = only(await decoded({ data }, { limit: 1 }), 'texts');
    return (JSON.parse(readFileSync(texts, 'utf8').split('\n')[0] as string) as { ids: number[] }).ids;
  }
});

describe('what a step takes', () => {
  it('is counted layer by layer, with what stands at the matrices and without what is skipped', () => {
    const replacements = [
      { target: 2, reference: null, candidate: 'g0', rank: 0 },
      { target: 3, reference: 3, candidate: 'lora', rank: 2, roles: ['k'] as const },
    ];
    const costs = stepCosts(config, { replacements, parameters: new Map() });
    const attention = 2 * (2 * 16 * 16 + 2 * 16 * config.num_key_value_heads * config.head_dim);
    const keys = 2 * 16 * config.num_key_value_heads * config.head_dim;
    expect(costs.run[0]).toBe(attention + 2 * 3 * 16 * 24);
    expect(costs.run[1]).toBe(attention);
    expect(costs.carried[0]).toBe(2 * keys);
    expect(costs.carried[2]).toBe(2 * keys + 2 * 2 * (16 + config.num_key_value_heads * config.head_dim));
    const one = stoppedOperations(costs, { layer: 1, heads: 2, length: 9 });
    const seen = 4 * config.num_attention_heads * config.head_dim * 10;
    expect(one).toBe((costs.run[0] as number) + costs.carried.slice(1).reduce((a, b) => a + b) + 2 * costs.head + seen);
    expect(decodingSummary({ config }, [])).toMatchObject({ tokens: 0, layers: 0, saved: 0 });
  });
});
