// The small files of a model folder that travel with its weights: tokens, chat templates, what generation is to do.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRecord, parseStrictJson } from '../../formats/text/strict-json.ts';
import { readTextIfThere } from '../../formats/text/text.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';

/** Texts of files beside config.json, the weights, tokenizer.json and tokenizer_config.json, by their path in the folder. */
export type Companions = Readonly<Record<string, string>>;

/** The companions of one name; named chat templates are beside them, one file each. */
export const companionFiles = [
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
  'chat_template.jinja',
] as const;

/**
 * Lamina's own: what was settled of the tokens, where that is more than tokenizer.json says. Nobody reads it; it is there so that a
 * checkpoint whose texts become other tokens is another file, and what was computed with the old ones is not taken for it.
 */
export const settledName = 'settled_tokens.json';

/** Where transformers keeps chat templates by name. */
export const templateFolder = 'additional_chat_templates';
const templatePath = new RegExp(`^${templateFolder}/([A-Za-z0-9_-]{1,64})\\.jinja$`);

const largestText = 2 ** 22;
const mostTemplates = 64;

/** True for the path of a companion; a checkpoint may be made by anybody. */
export function isCompanion(path: string): boolean {
  return (companionFiles as readonly string[]).includes(path) || path === settledName || templatePath.test(path);
}

/** Reads the companions of `folder`, as far as they are there. */
export async function readCompanions(folder: string): Promise<Companions> {
  const companions: Record<string, string> = {};
  for (const path of [...companionFiles, ...(await templatePaths(folder))]) {
    const text = await readTextIfThere(join(folder, path), 'companion of the model', largestText);
    if (text !== undefined) companions[path] = text;
  }
  return companions;
}

async function templatePaths(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(join(folder, templateFolder));
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return [];
    throw error;
  }
  const paths = names.filter((name) => name.endsWith('.jinja')).map((name) => `${templateFolder}/${name}`);
  const strange = paths.find((path) => !templatePath.test(path));
  if (strange !== undefined || paths.length > mostTemplates) {
    const expected = `at most ${mostTemplates} templates named by letters, digits, - and _`;
    throw new UserError(
      `'${join(folder, templateFolder)}': expected ${expected}, got ${shown(strange ?? paths.length)}`,
    );
  }
  return paths.sort();
}

/**
 * The chat templates by name, `default` the one that is meant where none is named. Those in files take the place of all that
 * tokenizer_config.json (`settings`, parsed) has, as in transformers.
 */
export function chatTemplates(
  settings: Readonly<Record<string, unknown>>,
  companions: Companions = {},
): Map<string, string> {
  const found = new Map<string, string>();
  const plain = companions['chat_template.jinja'];
  if (plain !== undefined) found.set('default', plain);
  for (const [path, text] of Object.entries(companions)) {
    const name = templatePath.exec(path)?.[1];
    if (name !== undefined) found.set(name, text);
  }
  return found.size > 0 ? found : settingsTemplates(settings.chat_template);
}

/** A text, or a list of templates with their names. */
function settingsTemplates(value: unknown): Map<string, string> {
  if (value === undefined || value === null) return new Map();
  if (typeof value === 'string') return new Map([['default', value]]);
  const entries = [value].flat().map((entry): [string, string] => {
    const { name, template } = isRecord(entry) ? entry : {};
    if (typeof name === 'string' && typeof template === 'string') return [name, template];
    throw new UserError(
      `tokenizer_config.json: 'chat_template' must be a text or a list of objects with 'name' and 'template', got ${shown(value)}`,
    );
  });
  return new Map(entries);
}

/** What generation_config.json says. */
export interface GenerationDefaults {
  /** Tokens that end a text; undefined where it names none. */
  readonly ends: readonly number[] | undefined;
  /** How it would sample: nothing of it is taken unless it is asked for. */
  readonly sampling: Readonly<Record<string, number | boolean>>;
  /** Keys, with their values, that would change even the likeliest text. */
  readonly others: readonly string[];
}

const samplingKeys = ['do_sample', 'temperature', 'top_k', 'top_p'];
/** Every other key that changes what is generated, with the values at which it does nothing. */
const changing: Readonly<Record<string, readonly unknown[]>> = {
  repetition_penalty: [1],
  encoder_repetition_penalty: [1],
  length_penalty: [1],
  diversity_penalty: [0],
  no_repeat_ngram_size: [0],
  encoder_no_repeat_ngram_size: [0],
  num_beams: [1],
  num_beam_groups: [1],
  typical_p: [1],
  min_p: [0],
  top_h: [],
  epsilon_cutoff: [0],
  eta_cutoff: [0],
  penalty_alpha: [0],
  guidance_scale: [1],
  min_length: [0],
  min_new_tokens: [0],
  renormalize_logits: [false],
  remove_invalid_values: [false],
  bad_words_ids: [],
  sequence_bias: [],
  suppress_tokens: [],
  begin_suppress_tokens: [],
  forced_bos_token_id: [],
  forced_eos_token_id: [],
  exponential_decay_length_penalty: [],
  stop_strings: [],
  watermarking_config: [],
};

/** Reads the text of a generation_config.json, undefined for none; a UserError, which begins with `source`, for what is none. */
export function parseGenerationConfig(text: string | undefined, source = 'generation_config.json'): GenerationDefaults {
  const json = text === undefined ? {} : parseStrictJson(text, source, 16);
  if (!isRecord(json)) throw new UserError(`${source}: expected a JSON object, got ${shown(json)}`);
  const others = Object.entries(changing).flatMap(([key, idle]) => {
    const value = json[key] ?? idle[0] ?? null;
    return value === null || idle.includes(value) ? [] : [`'${key}' (${shown(value).slice(0, 60)})`];
  });
  const isPlain = (value: unknown): value is number | boolean =>
    typeof value === 'number' || typeof value === 'boolean';
  const sampling = samplingKeys.flatMap((key) => (isPlain(json[key]) ? [[key, json[key]] as const] : []));
  return { ends: endsOf(json.eos_token_id, source), sampling: Object.fromEntries(sampling), others };
}

function endsOf(value: unknown, source: string): number[] | undefined {
  if (value === undefined || value === null) return undefined;
  const ids = [value].flat();
  if (ids.every((id): id is number => Number.isInteger(id) && (id as number) >= 0))
    return ids.length > 0 ? ids : undefined;
  throw new UserError(`${source}: 'eos_token_id' must be a token id or a list of token ids, got ${shown(value)}`);
}
