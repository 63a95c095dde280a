// The architectures that lamina reads: one file and one line for each.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import type { Architecture } from './architecture.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import type { ModelConfig } from './model-config.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { whyRefused } from './refused-families.ts';
import { smollm3 } from './smollm3.ts';

const architectures: Readonly<Record<string, Architecture>> = {
  llama,
  mistral,
  qwen2,
  qwen3,
  smollm3,
};

/** Their names, as `model_type` spells them. */
export const architectureNames: readonly string[] = Object.keys(architectures);

/** The architecture of a model. */
export function architectureOf({ model_type }: Pick<ModelConfig, 'model_type'>): Architecture {
  return architectureNamed(model_type, 'the model');
}

/** The architecture that a config.json names; `source` begins the UserError that says which are read. */
export function architectureNamed(model_type: unknown, source: string): Architecture {
  const isKnown = typeof model_type === 'string' && Object.hasOwn(architectures, model_type);
  if (isKnown) return architectures[model_type] as Architecture;
  const read = architectureNames.map((name) => `'${name}'`).join(', ');
  const got = typeof model_type === 'string' ? `'${model_type.slice(0, 60)}'` : shown(model_type ?? undefined);
  throw new UserError(
    `${source}: 'model_type' must be one that lamina reads (${read}), got ${got}${whyRefused(model_type)}`,
  );
}

/** The architecture that llama.cpp calls `name`, the plainest of those with that name; `source` begins the UserError that says which are read. */
export function architectureOfGguf(name: string | undefined, source: string): Architecture {
  const found = Object.values(architectures).find(({ gguf }) => gguf.architecture === name);
  if (found !== undefined) return found;
  const read = [...new Set(Object.values(architectures).map(({ gguf }) => `'${gguf.architecture}'`))].join(', ');
  // llama.cpp writes the names of Hugging Face without their underscores
  const why = whyRefused(name) || whyRefused(name?.replace(/moe$/, '_moe').replace(/vl$/, '_vl'));
  throw new UserError(
    `${source}: 'general.architecture' must be one that lamina reads (${read}), got ${shown(name)}${why}`,
  );
}
