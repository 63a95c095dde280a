// Exit descriptions in checkpoint files: the rule as metadata, the classifier of each exit as tensors. One file has the rule alone, or that with some classifiers.
import { writing } from '../../formats/files/writing.ts';
import { type CheckpointReader, createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { checkExitRule, type EarlyExit, type ExitClassifier, exitRuleFrom, usedExits } from '../exits/exit-rule.ts';
import type { ParallelLayers } from '../sharing/parallel-layers.ts';

const kind = 'exit';
const weightName = (layer: number) => `classifiers.${layer}.weight`;
/** Numbers of a hidden state; generous. */
const widest = 2 ** 20;
const biasName = (layer: number) => `classifiers.${layer}.bias`;

/** Writes `exit` to `path`. */
export async function writeExit(path: string, { rule, classifiers }: EarlyExit): Promise<void> {
  return writing(await createCheckpoint(path, { kind, rule: JSON.stringify(rule) }), async (writer) => {
    for (const [layer, { weight, bias }] of classifiers) {
      const name = weightName(layer);
      await writer.write(name, 'F32', [weight.length], encodeFloats(name, 'F32', weight));
      await writer.write(biasName(layer), 'F32', [1], encodeFloats(biasName(layer), 'F32', Float32Array.of(bias)));
    }
  });
}

/** What a description has to fit: a model, and which of its layers run side by side. */
interface ExitModel {
  readonly config: ModelConfig;
  readonly recovery?: { readonly parallel?: ParallelLayers | undefined } | undefined;
}

/**
 * Reads the descriptions in `paths`, one file or those of several classifiers, as one. A UserError when a file is none, does not fit the model,
 * or the files do not go together.
 */
export async function readExit(paths: readonly string[], { config, recovery }: ExitModel): Promise<EarlyExit> {
  const exit = await readExitFiles(paths);
  const source = `exit '${paths[0]}'`;
  checkExitRule(exit.rule, config.num_hidden_layers, source, recovery?.parallel);
  for (const [layer, { weight }] of exit.classifiers) {
    if (weight.length === config.hidden_size) continue;
    throw new UserError(
      `${source}: tensor '${weightName(layer)}': expected [${config.hidden_size}] for this model, got [${weight.length}]`,
    );
  }
  return exit;
}

/** The same for no model in particular. */
export async function readExitFiles(paths: readonly string[]): Promise<EarlyExit> {
  const parts: EarlyExit[] = [];
  for (const path of paths) parts.push(await readPart(path));
  const [first] = parts;
  if (first === undefined) throw new UserError('an exit description needs at least one file, got none');
  const other = parts.findIndex(({ rule }) => JSON.stringify(rule) !== JSON.stringify(first.rule));
  if (other >= 0) {
    throw new UserError(
      `exit '${paths[other]}' has another rule than '${paths[0]}', expected classifiers of one description`,
    );
  }
  const classifiers = new Map(parts.flatMap((part) => [...part.classifiers]).toSorted(([a], [b]) => a - b));
  return { rule: first.rule, classifiers };
}

/** Throws a UserError unless every exit that asks a classifier has one. */
export function checkClassifiers({ rule, classifiers }: EarlyExit): void {
  if (rule.confidence !== 'classifier') return;
  const missing = usedExits(rule).find((layer) => !classifiers.has(layer));
  if (missing === undefined) return;
  throw new UserError(
    `confidence 'classifier' has no classifier for the exit after layer ${missing}, expected a description with one for each exit that is asked`,
  );
}

async function readPart(path: string): Promise<EarlyExit> {
  const reader = await openCheckpoint(path);
  try {
    const { metadata } = reader;
    if (metadata.kind !== kind) {
      throw new UserError(
        `checkpoint '${path}' must hold an exit description (kind '${kind}'), got kind '${metadata.kind ?? 'none'}'`,
      );
    }
    const rule = exitRuleFrom(parseStrictJson(metadata.rule ?? 'null', `rule of exit '${path}'`, 3), `exit '${path}'`);
    const classifiers = new Map<number, ExitClassifier>();
    for (const layer of rule.exits) {
      const classifier = await readClassifier(reader, path, layer);
      if (classifier !== undefined) classifiers.set(layer, classifier);
    }
    return { rule, classifiers };
  } finally {
    await reader.close();
  }
}

/** Shapes are looked at before anything is read. */
async function readClassifier(
  reader: CheckpointReader,
  path: string,
  layer: number,
): Promise<ExitClassifier | undefined> {
  const weight = reader.tensors.get(weightName(layer));
  if (weight === undefined) return undefined;
  const bias = reader.tensors.get(biasName(layer));
  const [width = 0] = weight.shape;
  if (weight.shape.length !== 1 || width > widest || bias?.shape.join() !== '1') {
    throw new UserError(
      `exit '${path}': the classifier after layer ${layer}: expected a weight of one dimension, at most ${widest}, and a bias [1]`,
    );
  }
  const [value = 0] = await reader.readFloat32(biasName(layer));
  return { weight: await reader.readFloat32(weightName(layer)), bias: value };
}
