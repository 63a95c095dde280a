// Recovery parameters in checkpoint files: SLW writes one per pair, share and sft one with all pairs.
import { type CheckpointReader, createCheckpoint, openCheckpoint } from '../formats/checkpoint.ts';
import { fromFloat32 } from '../formats/dtype.ts';
import { parseStrictJson } from '../formats/strict-json.ts';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { candidateNamed } from './candidates.ts';
import type { LlamaConfig } from './config.ts';
import { type Recovery, recoveryShapes } from './recovery.ts';
import type { Pair } from './sharing.ts';
import { type Values, variablesOf } from './weights.ts';

const kind = 'recovery';

/** What a file says of itself. */
type Head = Pick<Recovery, 'candidate' | 'rank' | 'pairs'>;

/** Writes `recovery` to `path` as float32; the order of the tensors follows from pairs and candidate. */
export async function writeRecovery(path: string, recovery: Recovery): Promise<void> {
  const { candidate, rank, pairs, parameters } = recovery;
  const writer = await createCheckpoint(path, { kind, candidate, rank: String(rank), pairs: JSON.stringify(pairs) });
  try {
    for (const [name, variable] of parameters) {
      const values = (await variable.data()) as Float32Array;
      await writer.write(name, 'F32', variable.shape, fromFloat32('F32', values));
    }
    await writer.close();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/**
 * Reads the recovery parameters in `paths` as one; the caller frees them. A UserError when the files do not belong to a
 * model of `config`, do not agree with each other, or name a target twice.
 */
export async function readRecovery(paths: readonly string[], config: LlamaConfig): Promise<Recovery> {
  const entries = new Map<string, Values>();
  const heads: Head[] = [];
  for (const path of paths) {
    const reader = await openCheckpoint(path);
    try {
      const head = parseHead(reader, path, config);
      checkAgainst(heads, head, path);
      heads.push(head);
      await readEntries(reader, head, path, config, entries);
    } finally {
      await reader.close();
    }
  }
  const [first] = heads;
  if (!first) throw new UserError('recovery parameters need at least one file, got none');
  const pairs = heads.flatMap((head) => head.pairs).toSorted((a, b) => a.target - b.target);
  const ordered = [...recoveryShapes(config, pairs, first.candidate, first.rank).keys()];
  const sorted = new Map(ordered.map((name) => [name, entries.get(name) as Values]));
  return { candidate: first.candidate, rank: first.rank, pairs, parameters: variablesOf(sorted) };
}

async function readEntries(
  reader: CheckpointReader,
  { candidate, rank, pairs }: Head,
  path: string,
  config: LlamaConfig,
  entries: Map<string, Values>,
): Promise<void> {
  for (const [name, shape] of recoveryShapes(config, pairs, candidate, rank)) {
    const found = reader.tensors.get(name);
    if (!found || found.shape.join() !== shape.join()) {
      const got = found ? `[${found.shape.join(', ')}]` : 'nothing';
      throw new UserError(
        `recovery '${path}': tensor '${name}': expected [${shape.join(', ')}] for this model, got ${got}`,
      );
    }
    entries.set(name, { shape, values: await reader.readFloat32(name) });
  }
}

function parseHead({ metadata }: CheckpointReader, path: string, config: LlamaConfig): Head {
  if (metadata.kind !== kind) {
    throw new UserError(
      `checkpoint '${path}' must hold recovery parameters (kind '${kind}'), got kind '${metadata.kind ?? 'none'}'`,
    );
  }
  const candidate = candidateNamed(metadata.candidate ?? 'none').name;
  const rank = Number(metadata.rank);
  if (!Number.isInteger(rank) || rank < 0 || rank > 2 ** 24) {
    throw new UserError(`recovery '${path}': 'rank' must be a whole number of at least 0, got '${metadata.rank}'`);
  }
  const pairs = parseStrictJson(metadata.pairs ?? 'null', `pairs of recovery '${path}'`, 3);
  if (!Array.isArray(pairs) || !pairs.every((pair) => isPair(pair, config.num_hidden_layers))) {
    throw new UserError(
      `recovery '${path}': 'pairs' must list reference and target layers from 1 to ${config.num_hidden_layers}`,
    );
  }
  return { candidate, rank, pairs };
}

function checkAgainst(heads: readonly Head[], head: Head, path: string): void {
  const [first] = heads;
  if (first && (first.candidate !== head.candidate || first.rank !== head.rank)) {
    throw new UserError(
      `recovery '${path}': expected candidate '${first.candidate}' of rank ${first.rank} as in the files before it, got '${head.candidate}' of rank ${head.rank}`,
    );
  }
  const taken = new Set(heads.flatMap(({ pairs }) => pairs.map(({ target }) => target)));
  for (const { target } of head.pairs) {
    if (taken.has(target))
      throw new UserError(`recovery '${path}': target layer ${target} has recovery parameters already`);
    taken.add(target);
  }
}

function isPair(value: unknown, layers: number): value is Pair {
  const isLayer = (layer: unknown) => Number.isInteger(layer) && (layer as number) >= 1 && (layer as number) <= layers;
  return isObject(value) && isLayer(value.reference) && isLayer(value.target);
}
