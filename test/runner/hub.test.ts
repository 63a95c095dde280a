import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import { runPlan } from '../../runner/run/run-plan.ts';
import { inspectSurvey } from '../../runner/survey/inspect.ts';
import { withPins } from '../../runner/survey/pin.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { openFileStore } from '../../store/file-store.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { type HubWorld, openHubWorld } from '../hub/hub-world.ts';
import { complaints, specFolder } from '../spec/spec-folder.ts';
import { emptyFolder } from '../store/drafts.ts';
import { node, plan } from './toy-plan.ts';

const workerUrl = new URL('../../dist/cli/worker.js', import.meta.url);
const lines = '{"question": "q", "answer": "a"}\n'.repeat(4);

let world: HubWorld;
beforeEach(async () => {
  world = await openHubWorld();
  world.enter();
});
afterEach(() => world.close());

const params = { generate_seed: 1, records: 1, form: 'auto', eval_fraction: 0.25, drop_duplicates: false };
const planOf = (path: string): Plan =>
  plan(
    node(
      'data',
      'dataset',
      { ...params, path },
      {},
      { paths: ['/path'], origins: { '/path': { file: 'e.yaml', line: 3, column: 9 } } },
    ),
  );
const inspected = async (path: string) => {
  const { inspection } = await inspectSurvey(planOf(path), stageRegistry, createMemoryStore(emptyFolder()), 'waits');
  return inspection.items[0];
};
const keyOf = async (path: string) => (await inspected(path))?.key;
const repo = 'hf://datasets/org/qa';

describe('the key of a source on the hub', () => {
  it('is that of its commit: a branch that moves changes it, a pinned name stays', async () => {
    const first = world.hub.commit('datasets', 'org/qa', { 'train.jsonl': lines });
    const before = await keyOf(repo);
    expect(before).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyOf(`${repo}@main`)).toBe(before);
    expect(await keyOf(`${repo}@${first}`)).toBe(before);
    world.hub.commit('datasets', 'org/qa', { 'train.jsonl': `${lines}${lines}` });
    expect(await keyOf(repo)).not.toBe(before);
    expect(await keyOf(`${repo}@${first}`)).toBe(before);
  });

  it('holds the selection of files, and the default one of a known set', async () => {
    const sha = world.hub.commit('datasets', 'org/qa', { 'train.jsonl': lines, 'b.jsonl': lines });
    expect(await keyOf(`${repo}@${sha}/train.jsonl`)).not.toBe(await keyOf(`${repo}@${sha}`));
    const dolly = `hf://datasets/databricks/databricks-dolly-15k@${sha}`;
    expect(await keyOf(dolly)).toBe(await keyOf(`${dolly}/databricks-dolly-15k.jsonl`));
  });

  it('in a mapping too: the data sets of tasks, whose names have slashes', async () => {
    const first = world.hub.commit('datasets', 'org/qa', { 'test.jsonl': lines });
    const pointer = '/datasets/allenai~1sciq';
    const keyOfTasks = async (datasets: Record<string, string>) => {
      const origins = { [pointer]: { file: 'e.yaml', line: 3, column: 9 } };
      const records = { datasets, folder: 'tasks', tasks: 'sciq' };
      const made = plan(node('records', 'task-data', records, {}, { paths: [pointer], origins }));
      const { inspection } = await inspectSurvey(made, stageRegistry, createMemoryStore(emptyFolder()), 'waits');
      return inspection.items[0]?.key;
    };
    const before = await keyOfTasks({ 'allenai/sciq': repo });
    expect(await keyOfTasks({ 'allenai/sciq': `${repo}@${first}` })).toBe(before);
    world.hub.commit('datasets', 'org/qa', { 'test.jsonl': `${lines}${lines}` });
    expect(await keyOfTasks({ 'allenai/sciq': repo })).not.toBe(before);
    const source = { digest: 'd', size: 0, hub: `${repo}@${first}` };
    expect(withPins({ datasets: { 'allenai/sciq': repo } }, { [pointer]: source })).toEqual({
      datasets: { 'allenai/sciq': `${repo}@${first}?ref=main` },
    });
  });

  it('needs no network for a commit, and none is asked', async () => {
    world.enter({ HF_HUB_OFFLINE: '1' });
    expect(await inspected(`${repo}@${'ab'.repeat(20)}`)).toMatchObject({ status: 'run', absent: [] });
    expect(world.hub.requests).toEqual([]);
  });

  it('is unknown without the network: planning goes on, a run says why it cannot', async () => {
    world.enter({ HF_HUB_OFFLINE: '1' });
    expect(await inspected(repo)).toMatchObject({ status: 'depends', key: null, absent: [repo] });
    const store = createMemoryStore(emptyFolder());
    const executor = new LocalExecutor({ workerUrl, store });
    await expect(runPlan(planOf(repo), stageRegistry, store, { executor })).rejects.toThrow(
      /^stage 'data', parameter 'path': cannot find out which commit 'main' of hf:\/\/datasets\/org\/qa is: .* \(given at e.yaml:3:9\)$/,
    );
  });

  it('of a revision that is not there is an error of the plan, with its place', async () => {
    world.hub.commit('datasets', 'org/qa', { 'train.jsonl': lines });
    await expect(inspected(`${repo}@v9`)).rejects.toThrow(
      /^stage 'data'.*hf:\/\/datasets\/org\/qa@v9: the hub knows the repository, but not this revision \(given at e.yaml:3:9/,
    );
  });
});

describe('a run', () => {
  it('fetches the commit that its key names, publishes, and is a hit without the network', async () => {
    const sha = world.hub.commit('datasets', 'org/qa', { 'train.jsonl': lines });
    const store = await openFileStore(join(emptyFolder(), 'store'), { mode: 'write' });
    world.enter({ HF_TOKEN: 'hf_secret' });
    const executor = new LocalExecutor({ workerUrl, store, jobs: 1 });
    const outcome = await runPlan(planOf(repo), stageRegistry, store, { executor });
    expect(outcome.failures).toEqual([]);
    const unit = outcome.nodes.get('data')?.units[0];
    expect(unit).toMatchObject({ status: 'ran', facts: { train: 3, eval: 1 } });
    expect(unit).toMatchObject({ preimage: { sources: { '/path': { hub: `${repo}@${sha}`, size: 0 } } } });
    for await (const record of store.records()) expect(JSON.stringify(record)).not.toContain('hf_secret');
    expect(readFileSync(join(world.cache, 'datasets--org--qa/refs/main'), 'utf8')).toBe(sha);
    world.enter({ HF_HUB_OFFLINE: '1' });
    const { inspection } = await inspectSurvey(planOf(repo), stageRegistry, store, 'fails');
    expect(inspection.items[0]?.status).toBe('hit');
    store.close();
  });

  it('gives the stage the commit, whatever the branch does meanwhile', () => {
    const sha = 'ab'.repeat(20);
    const sources = { '/path': { digest: 'x', size: 0, hub: `${repo}@${sha}` }, '/other': { digest: 'y', size: 1 } };
    expect(withPins({ path: `${repo}/x.csv`, other: '/file', n: 1 }, sources)).toEqual({
      path: `${repo}@${sha}/x.csv?ref=main`,
      other: '/file',
      n: 1,
    });
  });
});

it('a malformed name is refused where it was written', async () => {
  const written = (model: string) =>
    complaints(
      specFolder({
        'e.yaml': `experiment: small\npipeline: p.yaml\nparams: { model: "${model}" }\naxes: { m: { values: { a: { metric: ppl.perplexity } } } }\ntable: { rows: [m] }\n`,
      }),
    );
  expect((await written('hf://gpt2'))[0]).toMatch(
    /^e.yaml:3:18 .*parameter 'path': 'hf:\/\/gpt2' does not name a repository as 'org\/name': expected 'hf:\/\/org\/name'/,
  );
  expect((await written('hf://a/../../b'))[0]).toMatch(/^e.yaml:3:18 /);
  expect((await written('s3://bucket/model'))[0]).toMatch(
    /^e.yaml:3:18 .*expected a path or a name on the hub \(hf:\/\/org\/name\), got 's3:\/\/bucket\/model'/,
  );
});
