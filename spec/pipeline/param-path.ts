// What a dotted path such as `sft.lr` or `datasets.arxiv_math.path` sets: a stage's parameter, or a pipeline parameter.
import { expectedNames } from '../../located/nearest.ts';

/** A value to set: `path` leads to it; its first key is a parameter, of the stage when one is given. */
export interface ParamPath {
  stage: string | undefined;
  path: readonly string[];
}

/** The names that a path may start with. */
export interface KnownNames {
  /** Pipeline parameters, names that only the experiment gives, and `seed`. */
  params: ReadonlySet<string>;
  stages: ReadonlySet<string>;
  /** True when a section of the pipeline is misspelt, so that unknown names must not be reported. */
  partial: boolean;
}

/** Reads a path: a stage's name before a dot wins over a parameter's; a string says what is wrong. */
export function parseParamPath(text: string, known: KnownNames): ParamPath | string {
  const keys = text.split('.');
  const [first = '', ...rest] = keys;
  if (keys.some((key) => key === '' || key === '__proto__'))
    return `'${text}' is not a path, expected 'name' or 'stage.name'`;
  if (rest.length > 0 && known.stages.has(first)) return { stage: first, path: rest };
  if (known.params.has(first) || known.partial) return { stage: undefined, path: keys };
  if (known.stages.has(first)) return `'${first}' is a stage, expected one of its parameters: '${first}.name'`;
  const names = rest.length > 0 ? [...known.params, ...known.stages] : [...known.params];
  return `unknown parameter '${first}'${expectedNames(first, names, 'the pipeline has none')}`;
}
