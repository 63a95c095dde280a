// Families that people will try: what of them lamina does not compute.

const families: readonly (readonly [begins: readonly string[], why: string])[] = [
  [
    [
      ...['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'phimoe', 'granitemoe', 'dbrx', 'jetmoe', 'llama4', 'gpt_oss'],
      ...['deepseek', 'minimax', 'ernie4_5_moe', 'glm4_moe', 'hunyuan_v1_moe', 'flex_olmo', 'dots1', 'longcat'],
    ],
    'a mixture of experts',
  ],
  [
    [
      ...['qwen3_next', 'qwen3_5', 'jamba', 'zamba', 'bamba', 'falcon_h1', 'granitemoehybrid', 'nemotron_h', 'lfm2'],
      ...['mamba', 'falcon_mamba', 'recurrent_gemma', 'rwkv', 'xlstm', 'kimi_linear', 'olmo_hybrid'],
    ],
    'with layers that are not attention',
  ],
  [['gemma', 't5gemma', 'vaultgemma'], 'a Gemma: its norms add 1 to their weights, and its embeddings are scaled'],
  [['olmo'], 'an OLMo: it norms what attention and MLP put out, not what they see'],
  [['phi'], 'a Phi: its matrices of attention and MLP are joined'],
  [['cohere', 'command'], 'a Cohere: attention and MLP read the same norm side by side'],
  [
    ['gpt', 'opt', 'bloom', 'falcon', 'stablelm', 'starcoder', 'codegen', 'mpt'],
    'a model without the gated MLP of Llama',
  ],
  [
    ['bert', 'roberta', 't5', 'bart', 'whisper', 'llava', 'qwen2_vl', 'qwen2_5_vl', 'qwen3_vl', 'mllama'],
    'no decoder of text alone',
  ],
];

/** What is known of the family, to go on after its name: ` (a mixture of experts)`; empty where nothing is. */
export function whyRefused(model_type: unknown): string {
  if (typeof model_type !== 'string') return '';
  const found = families
    .flatMap(([begins, why]) => begins.map((begin) => ({ begin, why })))
    .filter(({ begin }) => model_type.startsWith(begin))
    .sort((a, b) => b.begin.length - a.begin.length)[0];
  return found === undefined ? '' : ` (${found.why})`;
}
