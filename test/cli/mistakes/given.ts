// What the mistakes are made in: small specs and files that are right, and how one of them is made wrong.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const spec = `experiment: mine
pipeline: lamina:sharp
profiles:
  tiny:
    default: true
    params: { model: lamina:tiny, data: { generate: arxiv_math, records: 60 }, rank: 4, max_length: 64 }
    with: { tuned: { lr: 1.0e-3, epochs: 1 } }
axes:
  type: [T_next, T_back]
  method:
    values:
      original: { metric: original_ppl.perplexity }
      sharp: { metric: tuned_ppl.perplexity }
table: { rows: [method], columns: [type], metric: perplexity, better: lower }
`;

export const pipeline = `pipeline: own
params: { model: { type: string, format: path }, data: { type: object } }
stages:
  base: { use: load, with: { path: "\${model}" } }
  data: { use: dataset, with: "\${data}" }
  ppl: { use: perplexity-eval, in: { model: base, data: data.eval } }
`;

export const small = `experiment: mine
pipeline: own.yaml
params: { model: lamina:tiny, data: { generate: arxiv_math, records: 20 } }
metric: ppl.perplexity
`;

export type Files = Record<string, string | Uint8Array>;

/** A text with one part of it replaced, which must be there. */
export function changed(text: string, from: string, to: string): string {
  if (!text.includes(from)) throw new Error(`there is no '${from}' to replace`);
  return text.replace(from, () => to);
}

export const right: Files = { 'mine.yaml': spec };
export const inSpec = (from: string, to: string): Files => ({ 'mine.yaml': changed(spec, from, to) });
export const after = (text: string): Files => ({ 'mine.yaml': spec + text });
export const inPipeline = (from: string, to: string): Files => ({
  'own.yaml': changed(pipeline, from, to),
  'mine.yaml': small,
});
export const module = (text: string): Files => ({ ...inPipeline('perplexity-eval', './mine.mjs'), 'mine.mjs': text });
export const withData = (name: string, text: string | Uint8Array): Files => ({
  'own.yaml': pipeline,
  'mine.yaml': changed(small, 'generate: arxiv_math, records: 20', `path: ${name}`),
  [name]: text,
});

const tiny = join(import.meta.dirname, '../../../models/tiny');
export const partOf = (name: string): Buffer => readFileSync(join(tiny, name));

/** The small spec on a model of its own, one file of which is another. */
export function withModel(name: string, bytes: string | Uint8Array): Files {
  const names = ['config.json', 'tokenizer.json', 'model.safetensors'];
  const parts = names.map((each) => [`model/${each}`, each === name ? bytes : partOf(each)] as const);
  return { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'model'), ...Object.fromEntries(parts) };
}

/** A mistake: what it is, the files that it is in, the command, what is told (DIR is the folder), the exit code. */
export type Mistake = [title: string, files: Files, command: string, told: string[], code?: number];
