// README.md of an export: what the model is, what was done to it, how large it is and how to load it.
import type { ExportSizes } from '../model/export-sizes.ts';
import type { ExportSource } from '../model/export-source.ts';
import { parameterCounts } from '../model/names.ts';
import { recoveryParameters, storedMlpParameters } from '../model/ratios.ts';
import { dropsMlp, formatReplacements, type Replacement } from '../model/replacement.ts';
import { formatBytes } from '../util/amounts.ts';
import type { ExportParams } from './export.ts';

/** What a format had to do to the weights; each is said in the card. */
export interface CardNotes {
  readonly padded?: readonly number[];
  readonly folded?: readonly number[];
  readonly unblocked?: readonly string[];
  readonly exact_tokenizer?: boolean;
}

interface CardParts {
  readonly params: ExportParams;
  readonly sizes: ExportSizes;
  readonly notes: CardNotes;
}

type CardSource = Pick<ExportSource, 'config' | 'stored' | 'recovery' | 'tokenizer'>;

/** The card's text, from the export's parameters and the model alone. */
export function modelCard(source: CardSource, { params, sizes, notes }: CardParts): string {
  const { replacements } = source.recovery;
  const parts = [
    frontMatter(params, replacements),
    `# ${params.name.replace(/[\\`*_[\]<>#|]/g, '\\$&')}`,
    whatItIs(source),
    ...(replacements.length > 0 ? ['## What was done', doneText(source)] : []),
    '## Size',
    sizeTable(source, sizes, params),
    ...notesText(notes, source, params),
    '## Loading',
    loadingText(params),
  ];
  return `${parts.join('\n\n')}\n`;
}

function frontMatter({ format, layout }: ExportParams, replacements: readonly Replacement[]): string {
  const library =
    format === 'peft' ? 'peft' : format === 'gguf' ? 'gguf' : layout === 'compact' ? 'lamina' : 'transformers';
  const tags = ['lamina', 'llama', ...(replacements.some(dropsMlp) ? ['layer-sharing'] : [])];
  return ['---', `library_name: ${library}`, 'pipeline_tag: text-generation', `tags: [${tags.join(', ')}]`, '---'].join(
    '\n',
  );
}

function whatItIs({ config }: CardSource): string {
  const { num_hidden_layers: layers, hidden_size, intermediate_size, vocab_size } = config;
  const { num_attention_heads: heads, num_key_value_heads: kv } = config;
  const attention = heads === kv ? `${heads} heads` : `${heads} heads over ${kv} key/value heads`;
  const sizes = `${layers} layers, hidden size ${hidden_size}, MLP width ${intermediate_size}, ${attention}, ${vocab_size} tokens`;
  return `A Llama: ${sizes}${config.tie_word_embeddings ? ', tied embeddings' : ''}. Written by the \`export\` stage of lamina.`;
}

function doneText({ stored, recovery: { replacements } }: CardSource): string {
  const ofKind = (test: (replacement: Replacement) => boolean) => replacements.filter(test);
  const shared = ofKind(({ reference, target }) => reference !== null && reference !== target);
  const own = ofKind(({ reference, target }) => reference === target);
  const pruned = ofKind(({ reference }) => reference === null);
  const lines: string[] = [];
  if (shared.length > 0) {
    lines.push(
      `- MLPs of ${shared.length} layers are those of another layer: \`${formatReplacements(shared)}\` (reference:targets, layers from 1).`,
    );
  }
  if (own.length > 0) lines.push(`- Layers ${layerList(own)} keep their MLPs and have recovery parameters on top.`);
  if (pruned.length > 0) lines.push(`- The MLPs of layers ${layerList(pruned)} are pruned: they contribute nothing.`);
  lines.push(`- Recovery: ${recoveryText(replacements)}.`);
  const kept = { replacements, config: stored };
  const mlp = parameterCounts(stored).mlp;
  const percent = (count: number) => `${Number(((100 * count) / mlp).toPrecision(4))} %`;
  lines.push(
    `- Of the MLP parameters ${percent(storedMlpParameters(kept))} are stored, ${percent(storedMlpParameters(kept) + recoveryParameters(kept))} with the recovery parameters.`,
  );
  return `${lines.join('\n')}\n\nMethod: SHARP, arXiv 2502.07832.`;
}

function recoveryText(replacements: readonly Replacement[]): string {
  const groups = new Map<string, number[]>();
  for (const { target, candidate, rank } of replacements) {
    if (rank > 0)
      groups.set(`candidate ${candidate} of rank ${rank}`, [
        ...(groups.get(`candidate ${candidate} of rank ${rank}`) ?? []),
        target,
      ]);
  }
  if (groups.size === 0) return 'none (Direct Sharing or pruning as it is)';
  return [...groups].map(([text, targets]) => `${text} at layers ${targets.join(', ')}`).join('; ');
}

function sizeTable(
  { stored, recovery: { replacements } }: CardSource,
  sizes: ExportSizes,
  { dtype }: ExportParams,
): string {
  const recovery = recoveryParameters({ replacements, config: stored });
  const row = (what: string, bytes: number) => `| ${what} | ${formatBytes(bytes)} | ${bytes} |`;
  return [
    `| weights (${dtype}) | | bytes |`,
    '| --- | ---: | ---: |',
    row(
      recovery > 0 ? 'each stored tensor once, with the recovery parameters (F32)' : 'each stored tensor once',
      sizes.unique_bytes,
    ),
    row('an MLP of its own for every layer', sizes.expanded_bytes),
  ].join('\n');
}

function notesText(
  { padded = [], folded = [], unblocked = [], exact_tokenizer = true }: CardNotes,
  { tokenizer }: CardSource,
  { format, layout }: ExportParams,
): string[] {
  const notes: string[] = [];
  if (format !== 'peft' && layout === 'expanded')
    notes.push(
      'Shared MLPs stand in full in every layer here: this format has no sharing. What sharing saves is the first row above.',
    );
  if (padded.length > 0)
    notes.push(
      `The MLPs of layers ${padded.join(', ')} are narrower; zeros fill them up to one width, which changes no output.`,
    );
  if (folded.length > 0)
    notes.push(
      `Layers ${folded.join(', ')} have factors alpha other than 1, which PEFT cannot hold: their copies in \`base\` are multiplied by them, so this adapter belongs on this base only.`,
    );
  if (unblocked.length > 0)
    notes.push(`${unblocked.length} matrices have rows that are no multiple of 32 numbers and are stored as F16.`);
  if (!exact_tokenizer)
    notes.push(
      "llama.cpp has no pre-tokenizer of this model's pattern; GPT-2's is named in the file. Some texts will be split into other tokens than in training: pass token ids, or compare the two first.",
    );
  if (tokenizer.tokenizer_json === null) notes.push('The model came without a tokenizer.');
  return notes.length === 0 ? [] : ['## Notes', notes.map((note) => `- ${note}`).join('\n')];
}

function loadingText({ format, layout }: ExportParams): string {
  if (format === 'gguf') return code('sh', 'llama-cli -m model.gguf -p "..."');
  if (format === 'peft') {
    return code(
      'python',
      "from peft import PeftModel\nfrom transformers import AutoModelForCausalLM\n\nbase = AutoModelForCausalLM.from_pretrained('FOLDER/base')\nmodel = PeftModel.from_pretrained(base, 'FOLDER')",
    );
  }
  if (layout === 'compact') {
    return `${code('yaml', 'stages:\n  base: { use: load, with: { path: FOLDER } }\n  ppl: { use: perplexity-eval, in: { model: base, recovery: base, data: ... } }')}\n\nThe layout is described in lamina's docs/export.md. transformers does not load it.`;
  }
  return code(
    'python',
    "from transformers import AutoModelForCausalLM, AutoTokenizer\n\nmodel = AutoModelForCausalLM.from_pretrained('FOLDER')\ntokenizer = AutoTokenizer.from_pretrained('FOLDER')",
  );
}

function code(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function layerList(replacements: readonly Replacement[]): string {
  return replacements.map(({ target }) => target).join(', ');
}
