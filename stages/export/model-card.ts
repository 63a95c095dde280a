// README.md of an export: what the model is, what was done to it, how large it is and how to load it.
import { architectureOf } from '../../model/architecture/registry.ts';
import { parameterCounts } from '../../model/architecture/tensors.ts';
import type { ExportSource } from '../../model/export/source.ts';
import { recoveryParameters, storedMlpParameters } from '../../model/sharing/ratios.ts';
import { dropsMlp, formatReplacements, type Replacement, skipsAttention } from '../../model/sharing/replacement.ts';
import { formatBytes } from '../../util/amounts.ts';
import type { ExportFormat, ExportParams, Written } from './formats/format.ts';
import { layersText, noteIf } from './formats/notes.ts';

interface CardParts {
  readonly params: ExportParams;
  readonly format: ExportFormat;
  readonly written: Written;
}

type CardSource = Pick<ExportSource, 'config' | 'stored' | 'recovery' | 'tokenizer'>;

/** The card's text, from the export's parameters and the model alone. */
export function modelCard(source: CardSource, { params, format, written }: CardParts): string {
  const { replacements, parallel, routing } = source.recovery;
  const hasTokenizer = source.tokenizer.tokenizer_json !== null;
  const notes = [...written.notes, ...noteIf(!hasTokenizer, 'The model came without a tokenizer.')];
  const parts = [
    frontMatter(format, source),
    `# ${params.name.replace(/[\\`*_[\]<>#|]/g, '\\$&')}`,
    whatItIs(source),
    ...(replacements.length > 0 || (parallel ?? routing) !== undefined ? ['## What was done', doneText(source)] : []),
    '## Size',
    sizeTable(source, written, params),
    ...(notes.length > 0 ? ['## Notes', notes.map((note) => `- ${note}`).join('\n')] : []),
    '## Loading',
    written.loading,
  ];
  return `${parts.join('\n\n')}\n`;
}

/** The program under a card's heading 'Loading': its language and its lines; nothing where there is none. */
export function loadingIn(card: string): { language?: string; lines?: string[] } {
  const [, language, text = ''] = /\n## Loading\n.*?\n```(\w+)\n(.*?)\n```/s.exec(card) ?? [];
  return language === undefined ? {} : { language, lines: text.split('\n') };
}

function frontMatter({ library }: ExportFormat, { config, recovery }: CardSource): string {
  const tags = ['lamina', config.model_type, ...(recovery.replacements.some(dropsMlp) ? ['layer-sharing'] : [])];
  return `---\nlibrary_name: ${library}\npipeline_tag: text-generation\ntags: [${tags.join(', ')}]\n---`;
}

function whatItIs({ config }: CardSource): string {
  const { num_hidden_layers: layers, hidden_size, intermediate_size, vocab_size } = config;
  const { num_attention_heads: heads, num_key_value_heads: kv } = config;
  const attention = heads === kv ? `${heads} heads` : `${heads} heads over ${kv} key/value heads`;
  const sizes = `${layers} layers, hidden size ${hidden_size}, MLP width ${intermediate_size}, ${attention}, ${vocab_size} tokens`;
  const tied = config.tie_word_embeddings ? ', tied embeddings' : '';
  return `A ${architectureOf(config).name}: ${sizes}${tied}. Written by the \`export\` stage of lamina.`;
}

function doneText({ stored, recovery: { replacements, parallel, routing } }: CardSource): string {
  const own = replacements.filter(({ reference, target }) => reference === target);
  const skipped = replacements.filter(skipsAttention);
  const pruned = replacements.filter((each) => each.reference === null && !skipsAttention(each));
  const shared = replacements.filter((each) => dropsMlp(each) && each.reference !== null);
  const lines: string[] = [];
  if (shared.length > 0) {
    const map = formatReplacements(shared);
    lines.push(`MLPs of ${shared.length} layers are those of another layer: \`${map}\` (reference:targets, from 1).`);
  }
  if (own.length > 0) lines.push(`The MLPs of ${layersOf(own)} are their own, with recovery parameters on top.`);
  if (pruned.length > 0) lines.push(`The MLPs of ${layersOf(pruned)} are pruned: they contribute nothing.`);
  if (skipped.length > 0) lines.push(`The attention of ${layersOf(skipped)} is skipped: it contributes nothing.`);
  if (parallel !== undefined) {
    lines.push(`Layers ${parallel.first} to ${parallel.last} run side by side, two by two (${parallel.variant}).`);
  }
  if (routing !== undefined) {
    const { layers, experts, active } = routing;
    lines.push(
      `The MLPs of ${layersText(layers)} are cut into ${experts} experts each, of which a router chooses ${active} for a token.`,
    );
  }
  lines.push(`Recovery: ${recoveryText(replacements)}.`, storedText({ replacements, config: stored, routing }));
  return `${lines.map((line) => `- ${line}`).join('\n')}\n\nMethod: SHARP, arXiv 2502.07832.`;
}

function storedText(kept: Parameters<typeof storedMlpParameters>[0]): string {
  const { mlp } = parameterCounts(kept.config);
  const percent = (count: number) => `${Number(((100 * count) / mlp).toPrecision(4))} %`;
  const stored = storedMlpParameters(kept);
  const whole = percent(stored + recoveryParameters(kept));
  return `Of the MLP parameters ${percent(stored)} are stored, ${whole} with the recovery parameters.`;
}

function recoveryText(replacements: readonly Replacement[]): string {
  const groups = new Map<string, Replacement[]>();
  for (const replacement of replacements.filter(({ rank }) => rank > 0)) {
    const form = `candidate ${replacement.candidate} of rank ${replacement.rank}`;
    groups.set(form, [...(groups.get(form) ?? []), replacement]);
  }
  if (groups.size === 0) return 'no parameters';
  return [...groups].map(([form, of]) => `${form} at ${layersOf(of)}`).join('; ');
}

function sizeTable(
  { stored, recovery: { replacements, routing } }: CardSource,
  { sizes: { unique_bytes, expanded_bytes }, factors = 'F32' }: Written,
  { dtype }: ExportParams,
): string {
  const hasRecovery = recoveryParameters({ replacements, config: stored, routing }) > 0;
  const once = hasRecovery
    ? `each stored tensor once, with the recovery parameters (${factors})`
    : 'each stored tensor once';
  const row = (what: string, bytes: number) => `| ${what} | ${formatBytes(bytes)} | ${bytes} |`;
  const head = [`| weights (${dtype}) | | bytes |`, '| --- | ---: | ---: |'];
  return [...head, row(once, unique_bytes), row('an MLP of its own for every layer', expanded_bytes)].join('\n');
}

function layersOf(replacements: readonly Replacement[]): string {
  return layersText(replacements.map(({ target }) => target));
}
