// What a config.json says in each architecture: defaults as in transformers, keys of its own, and what is refused by name.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configJson, parseConfig } from '../../model/architecture/config.ts';
import { type KnownModel, knownModel } from '../../model/architecture/known-models.ts';
import { hasRope, type ModelConfig, windowOf } from '../../model/architecture/model-config.ts';
import { architectureNames } from '../../model/architecture/registry.ts';
import { parameterCounts } from '../../model/architecture/tensors.ts';
import { createFrame } from '../../model/forward/frame.ts';
import { arrangedConfig } from '../../model/sharing/block-map.ts';
import { type ModelShape, modelParameters, shapeOfFacts } from '../../model/sizes/costs.ts';
import { modelFacts } from '../../stages/common/model-facts.ts';
import { architectureFixtures } from './architectures.ts';

/** What transformers makes of a config.json that says as little as it can. */
interface Defaults {
  json: Record<string, unknown>;
  config: Record<string, unknown>;
}
const { cases, counts } = JSON.parse(readFileSync(join(architectureFixtures, 'configs', 'defaults.json'), 'utf8')) as {
  cases: Record<string, Defaults>;
  counts: Record<string, { json: Record<string, unknown>; parameters: number }>;
};

/** The same facts, as transformers names them. */
function facts(config: ModelConfig): Record<string, unknown> {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => i + 1);
  return {
    num_key_value_heads: config.num_key_value_heads,
    head_dim: config.head_dim,
    rms_norm_eps: config.rms_norm_eps,
    max_position_embeddings: config.max_position_embeddings,
    tie_word_embeddings: config.tie_word_embeddings,
    rope_theta: config.rope_theta,
    windows: layers.map((layer) => windowOf(config, layer)),
    rope: layers.map((layer) => hasRope(config, layer)),
  };
}

const smallest = {
  num_key_value_heads: 2,
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  vocab_size: 64,
};
const parsed = (model_type: string, more: object = {}) =>
  parseConfig({ ...smallest, model_type, ...more }, 'config.json');

describe('config.json of every architecture', () => {
  it.each(Object.entries(cases))('%s means what it means in transformers', (_name, { json, config }) => {
    expect(facts(parseConfig(json, 'config.json'))).toEqual(config);
  });

  it.each(Object.keys(cases))('%s is written and read again', (name) => {
    const config = parseConfig(cases[name]?.json, 'config.json');
    expect(parseConfig(configJson(config), 'again')).toEqual(config);
  });

  it.each(Object.entries(counts))('%s has as many parameters as PyTorch counts', (name, { json, parameters }) => {
    const config = parseConfig(json, 'config.json');
    expect(parameterCounts(config).total).toBe(parameters);
    expect(modelParameters(shapeOfFacts(modelFacts(config)) as ModelShape)).toBe(parameters);
    const known = knownModel(name) as KnownModel;
    expect(parameterCounts(parseConfig(known, name)).total).toBe(parameters);
  });

  it('covers the registry', () => {
    const read = new Set(Object.values(cases).map(({ json }) => json.model_type));
    expect([...read].sort()).toEqual([...architectureNames].sort());
  });

  it('what is said of each layer goes with it to another place', () => {
    const layer_types = ['sliding_attention', 'full_attention', 'full_attention'];
    const sliding = { use_sliding_window: true, sliding_window: 5, layer_types };
    const config = arrangedConfig(parsed('smollm3', { ...sliding, no_rope_layers: [1, 0, 1] }), [2, 1, 1, 3]);
    expect([1, 2, 3, 4].map((layer) => windowOf(config, layer))).toEqual([null, 5, 5, null]);
    expect([1, 2, 3, 4].map((layer) => hasRope(config, layer))).toEqual([false, true, true, true]);
    expect(parseConfig(configJson(config), 'again')).toEqual(config);
  });
});

type Refusal = [model_type: string, change: object, message: string];

describe('refused', () => {
  it.each([
    ...[
      ['qwen3_moe', ' (a mixture of experts)'],
      ['qwen3_next', ' (with layers that are not attention)'],
      ['falcon_h1', ' (with layers that are not attention)'],
      ['gemma2', ' (a Gemma: its norms add 1 to their weights, and its embeddings are scaled)'],
      ['olmo2', ' (an OLMo: it norms what attention and MLP put out, not what they see)'],
      ['phi3', ' (a Phi: its matrices of attention and MLP are joined)'],
      ['stranger', ''],
    ].map(
      ([model_type = '', why = '']): Refusal => [
        model_type,
        {},
        `config.json: 'model_type' must be one that lamina reads ('llama', 'mistral', 'qwen2', 'qwen3', 'smollm3'), got '${model_type}'${why}`,
      ],
    ),
    [
      'qwen2',
      { layer_types: ['full_attention', 'sliding_attention', 'full_attention'] },
      "config.json: 'layer_types' has layers of 'sliding_attention', but 'use_sliding_window' and 'sliding_window' give them no window: set both, or take 'full_attention'",
    ],
    [
      'qwen3',
      { use_sliding_window: true, layer_types: ['full_attention'] },
      "config.json: 'layer_types' must be a list of 3 of 'full_attention' and 'sliding_attention'",
    ],
    ['mistral', { sliding_window: 0 }, "config.json: 'sliding_window' must be a whole number from 1 to"],
    [
      'smollm3',
      { no_rope_layers: [1, 2, 1] },
      "config.json: 'no_rope_layers' must be a list of 3 whole numbers from 0 to 1",
    ],
    [
      'llama',
      { rope_parameters: { rope_type: 'longrope', long_factor: [1, 1], short_factor: [1, 1] } },
      "config.json: 'rope_parameters': 'rope_type' is 'longrope', which lamina does not compute: its angles depend on how long the whole text becomes, so that a cache of keys would be of another model; read are 'default', 'linear', 'dynamic', 'yarn', 'llama3'",
    ],
  ] as Refusal[])('%s with %j', (model_type, change, message) =>
    expect(() => parsed(model_type, change)).toThrow(message),
  );

  it("a text beyond the context of 'dynamic' RoPE", () => {
    const rope_scaling = { rope_type: 'dynamic', factor: 2 };
    const config = parsed('llama', { rope_scaling, max_position_embeddings: 16 });
    createFrame(config, 16).dispose();
    expect(() => createFrame(config, 24)).toThrow(
      "texts of at most 16 tokens, the model's context, can be read with its 'dynamic' RoPE, got 24 (with padding): lower 'max_length'",
    );
  });
});

describe('warned about', () => {
  const warningsOf = (model_type: string, more: object) => {
    const warnings: string[] = [];
    parseConfig({ ...smallest, model_type, ...more }, 'config.json', (message) => void warnings.push(message));
    return warnings;
  };

  it.each([
    [
      'qwen2',
      { attention_bias: true },
      "config.json: 'attention_bias' is true: it has no effect, as in transformers' Qwen2: which matrices have biases does not depend on it",
    ],
    [
      'mistral',
      { use_sliding_window: true, sliding_window: null },
      "config.json: 'use_sliding_window' is true: it has no effect, as in transformers' Mistral: 'sliding_window' alone counts",
    ],
    [
      'qwen3',
      { no_rope_layers: [1, 0, 1] },
      "config.json: 'no_rope_layers' is [1,0,1]: it has no effect, as in transformers' Qwen3: every layer has RoPE",
    ],
    [
      'qwen3',
      { architectures: ['Qwen2ForCausalLM'] },
      'config.json: \'architectures\' is ["Qwen2ForCausalLM"]: the model is computed as Qwen3ForCausalLM',
    ],
  ])('a key of another architecture: %s with %j', (model_type, more, message) => {
    expect(warningsOf(model_type, more)).toEqual([message]);
  });
});
