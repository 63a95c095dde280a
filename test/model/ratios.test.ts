// Stored ratio and compression ratio against what the paper prints, and counts of a whole model.
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { matchedRank } from '../../model/methods/registry.ts';
import {
  compressionRatio,
  recoveryParameters,
  storedBytes,
  storedMlpParameters,
  storedParameters,
  storedRatio,
} from '../../model/sharing/ratios.ts';
import {
  ownReplacements,
  prunedReplacements,
  type Replacement,
  replacementsOf,
} from '../../model/sharing/replacement.ts';
import { replacementMap } from '../../model/sharing/sharing.ts';
import { tinyConfig } from './tiny.ts';

// shapes: methods F
const llama7b = tinyConfig({
  hidden_size: 4096,
  intermediate_size: 11008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 32000,
});
const llama3b = tinyConfig({
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 28,
  num_attention_heads: 24,
  num_key_value_heads: 8,
  vocab_size: 128256,
  tie_word_embeddings: true,
});
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const percent = (config: ModelConfig, replacements: readonly Replacement[], current = config) =>
  100 * compressionRatio(config, { replacements, config: current });
const shared = (config: ModelConfig, type: string, rank: number, candidate = 'g0') =>
  replacementsOf(replacementMap(type, config.num_hidden_layers), candidate, rank);

describe('compression ratio s', () => {
  // printed in Tables 2, 3, 4 and 10 (paper-tables.yaml), in per cent; T_more's 35 belongs to T_more_8 (methods A.2)
  it.each([
    ['T_next', 5, 56.3, 0.05],
    ['T_next', 20, 56.5, 0.06],
    ['T_next', 400, 62.1, 0.05],
    ['T_back', 5, 37.6, 0.05],
    ['T_back', 20, 37.9, 0.05],
    ['T_back', 400, 45.9, 0.05],
    ['T_more_8', 400, 35.05, 0.01],
    ['T_more', 400, 37.8, 0.05],
  ])('of %s at rank %i is the printed %f %%', (type, rank, s, tolerance) => {
    expect(Math.abs(percent(llama7b, shared(llama7b, type, rank)) - s)).toBeLessThan(tolerance);
  });

  it('of Llama-3.2-3B with T_next at rank 400 is 61.9 % (Table 10 prints 62)', () => {
    expect(percent(llama3b, shared(llama3b, 'T_next', 400))).toBeCloseTo(61.9, 1);
  });

  it('is equation 1 but for the scalars alpha', () => {
    for (const rank of [5, 20, 400]) {
      const equation = 1 - 14 / 32 + 1.0468e-5 * 14 * rank; // methods A.4
      expect(percent(llama7b, shared(llama7b, 'T_next', rank)) / 100).toBeCloseTo(equation, 5);
    }
  });

  it.each(['g0', 'g1', 'g2', 'g3'])('of %s at its matched rank is that of g0 (Table 5: 62 %% for all)', (candidate) => {
    const rank = matchedRank(candidate, 400, 4096, 11008);
    expect(percent(llama7b, shared(llama7b, 'T_next', rank, candidate))).toBeCloseTo(62.1, 1);
  });

  it('of LLM-Pruner is 62.4 %: 29 MLPs at half width with rank 400 on each (methods B.2)', () => {
    const widths = range(1, 32).map((layer) => (layer >= 3 && layer <= 31 ? 5504 : 11008));
    const pruned = { ...llama7b, intermediate_sizes: widths };
    expect(percent(llama7b, [], pruned)).toBeCloseTo(54.7, 1);
    expect(percent(llama7b, ownReplacements(range(3, 31), 400), pruned)).toBeCloseTo(62.4, 1);
  });

  it('of LayerPruning is that of SHARP with as many pruned as shared: rank 400 on 14 kept MLPs (methods B.1)', () => {
    const pruned = [...ownReplacements(range(3, 16), 400), ...prunedReplacements(range(17, 30))];
    expect(percent(llama7b, pruned)).toBe(percent(llama7b, shared(llama7b, 'T_next', 400)));
    const everywhere = [
      ...ownReplacements(range(1, 16), 400),
      ...prunedReplacements(range(17, 30)),
      ...ownReplacements([31, 32], 400),
    ];
    expect(percent(llama7b, everywhere)).toBeCloseTo(63.8, 1);
  });

  it('of Direct Sharing is tau: there are no recovery parameters', () => {
    const kept = { replacements: shared(llama7b, 'T_next', 0), config: llama7b };
    expect(compressionRatio(llama7b, kept)).toBe(18 / 32);
    expect(storedRatio(llama7b, kept)).toBe(18 / 32);
  });

  it('of recovery on every MLP of the original model is above 1', () => {
    expect(percent(llama7b, ownReplacements(range(1, 32), 400))).toBeCloseTo(113.4, 1);
  });
});

describe('what is stored', () => {
  const kept = { replacements: shared(llama7b, 'T_next', 400), config: llama7b };

  it('counts parameters of MLPs, of recovery and of the whole model', () => {
    const mlp = 3 * 4096 * 11008; // 135,266,304 (methods F)
    expect(storedMlpParameters(kept)).toBe(18 * mlp);
    expect(recoveryParameters(kept)).toBe(14 * 3 * (1 + 400 * (4096 + 11008)));
    // 6,738,415,616 is Llama-2-7b's count
    expect(storedParameters({ replacements: [], config: llama7b })).toBe(6_738_415_616);
    expect(storedParameters(kept)).toBe(6_738_415_616 - 14 * mlp + recoveryParameters(kept));
  });

  it('counts bytes, float32 for recovery parameters', () => {
    expect(storedBytes({ replacements: [], config: llama7b }, () => 2)).toBe(2 * 6_738_415_616);
    const bytes = 2 * (6_738_415_616 - 14 * 3 * 4096 * 11008) + 4 * recoveryParameters(kept);
    expect(storedBytes(kept, () => 2)).toBe(bytes);
  });
});
