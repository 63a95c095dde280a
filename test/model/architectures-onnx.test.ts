// Every architecture as an ONNX graph, in ONNX Runtime: the logits of transformers, and the same texts with a cache.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import {
  architectureCase,
  architectureCases,
  architectureFixtures,
  caseNames,
  counted,
  relativeError,
} from './architectures.ts';
import { scratch, unpack } from './fixtures.ts';
import { as, exported, logitsOf, opened } from './onnx-made.ts';
import { feedsOf, inNode, type Runtime, type Values } from './onnx-runs.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

/** The model `name`, with recovery parameters of `rank` at its second layer on the MLP of its first; rank 0: as it is. */
async function made(name: string, rank = 0) {
  const folder = await scratch();
  const [model, file] = [join(folder, 'model.arrow'), join(folder, 'recovery.arrow')];
  await importHuggingFace(join(architectureFixtures, name), model);
  const { config, close } = await openStored(model);
  await close();
  const replacements = rank === 0 ? [] : replacementsOf([{ reference: 1, targets: [2] }], 'g0', rank);
  const recovery = createRecovery(config, replacements, { init: 'random', seed: 3 });
  await writeRecovery(file, recovery);
  disposeRecovery(recovery);
  return { config, model, recovery: file };
}

describe('ONNX', () => {
  const counts = { logits: counted('ONNX logits'), shared: counted('ONNX logits with shared layers') };
  afterAll(() => Object.values(counts).forEach(({ print }) => void print()));

  it.each(caseNames)('%s has the logits of transformers', async (name) => {
    const paths = await made(name);
    const { folder } = await exported(paths, as('F32'));
    const { run } = await opened(inNode(folder));
    const { ids, logits } = architectureCase(name);
    const found = await run(feedsOf(paths.config, { ids }));
    expect(counts.logits.add(relativeError(found.logits?.data as Float32Array, unpack(logits)))).toBeLessThan(1e-4);
  });

  it.each(caseNames)('%s goes on with a cache as transformers does', async (name) => {
    const paths = await made(name);
    const { folder } = await exported(paths, as('F32'));
    const { greedy } = architectureCase(name);
    const prompts = greedy.map((ids) => ids.slice(0, 7));
    const runtime = await opened(inNode(folder));
    expect(await continued(runtime, paths.config, prompts, greedy[0]?.length ?? 0)).toEqual(greedy);
  });

  it.each(architectureCases)('%s with a shared layer has the logits of lamina', async (name) => {
    const paths = await made(name, 2);
    const { folder } = await exported(paths, as('F32'));
    const { run } = await opened(inNode(folder));
    const [ids = []] = architectureCase(name).ids;
    const found = await run(feedsOf(paths.config, { ids: [ids] }));
    const difference = relativeError(found.logits?.data as Float32Array, await logitsOf(paths, ids));
    expect(counts.shared.add(difference)).toBeLessThan(1e-4);
  });

  it.each(architectureCases)('%s in float16 stays near', async (name) => {
    const paths = await made(name, 2);
    const { folder } = await exported(paths, as('F16'));
    const { run } = await opened(inNode(folder));
    const [ids = []] = architectureCase(name).ids;
    const found = await run(feedsOf(paths.config, { ids: [ids] }, 'float16'));
    expect(relativeError(found.logits?.data as Float32Array, await logitsOf(paths, ids))).toBeLessThan(3e-2);
  });
});

/** The likeliest tokens behind each of `prompts`, `length` in all: the prompts in one call, then one token in each. */
async function continued(
  { run }: Runtime,
  config: ModelConfig,
  prompts: readonly number[][],
  length: number,
): Promise<number[][]> {
  const texts = prompts.map((prompt) => [...prompt]);
  let ids: readonly (readonly number[])[] = prompts;
  let past: Values | undefined;
  while ((texts[0]?.length ?? 0) < length) {
    const found: Values = await run(feedsOf(config, { ids, ...(past && { past }) }));
    const { data, dims } = found.logits as { data: Float32Array; dims: readonly number[] };
    const [, tokens = 0, size = 0] = dims;
    const next = texts.map((_, row) => {
      const logits = data.subarray((row * tokens + tokens - 1) * size, (row + 1) * tokens * size);
      return logits.indexOf(Math.max(...logits));
    });
    next.forEach((token, row) => void texts[row]?.push(token));
    [ids, past] = [next.map((token) => [token]), found];
  }
  return texts;
}
