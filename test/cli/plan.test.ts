// What `lamina plan` prints, for one spec and for several.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plan } from '../../cli/commands/plan.ts';
import type { EstimateFlags, PlanFlags } from '../../cli/common/flags.ts';
import { formatLong } from '../../cli/plan/estimate.ts';
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { toyStages } from './fixtures/toy-stages.mjs';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const spec = (name: string) => join(fixtures, `${name}.yaml`);
const shipped = (name: string) => join(import.meta.dirname, `../../experiments/${name}.yaml`);

/** What the command prints, called in this process; nothing may go to standard error. */
async function planned(
  specs: string[],
  flags: Partial<PlanFlags & EstimateFlags>,
  registry: StageRegistry = toyStages,
): Promise<string> {
  let text = '';
  const collect = (part: string) => {
    text += part;
  };
  const silent = (part: string) => expect(part).toBe('');
  const output = { live: false, width: () => undefined, paint: plainPaint };
  const terminal = { out: { ...output, write: collect }, err: { ...output, write: silent } };
  const context = {
    argv: [],
    terminal,
    registry: async () => registry,
    worker: new URL('file:///none'),
    job: new URL('file:///none'),
  };
  const given = { set: [], only: [], force: [], store: 'none', recordTokens: 300, ...flags };
  expect(await plan([specs], given, context)).toBe(0);
  return text;
}

test('a plan that this machine has too little memory for says so, whatever device it is estimated for', async () => {
  const measure = toyStages.get('measure') as StageDefinition;
  const cost = () => ({ flops: 0, memory_bytes: 1e15, written_bytes: 0 });
  const registry = new Map([...toyStages, ['measure', { ...measure, cost }]]);
  const said =
    /\n! stage 'measure' is estimated to take 1,?000 TB of memory, and this machine has [^:]+: choose a smaller model\n/;
  expect(await planned([spec('toy')], {}, registry)).toMatch(said);
  expect(await planned([spec('toy')], { device: 'h100' }, registry)).not.toContain('this machine');
  expect(await planned([spec('toy')], { provider: 'cuda' }, registry)).not.toContain('this machine');
});

describe('a plan of several specs', () => {
  const folder = workFolder();
  afterAll(() => folder.remove());

  test('counts the work that they share once, and says what it cannot estimate', async () => {
    const out = await planned([spec('toy'), spec('wrong')], {});
    expect(out).toMatch(
      /^toy · default · 2 cells\n {2}4 units: 0 cached, 2 to run, 2 after them .*\nwrong · default · 2 cells\n/,
    );
    expect(out).toMatch(/\nstage +requested +distinct +to run +PFLOP +time +memory +disk\n/);
    expect(out).toMatch(/\nparts +4 +2 +2 +\? +\? +\? +\?\n/);
    expect(out).toMatch(/\nmeasure +4 +2 +2 /);
    expect(out).toMatch(/\ntotal +8 +4 +4 /);
    expect(out).toContain('not counted, since their cost is not known: parts (2), measure (2)');
  });

  test('as JSON says of each stage which experiment it belongs to, and adds up', async () => {
    const value = JSON.parse(await planned([spec('toy'), spec('wrong')], { json: true }));
    expect(Object.keys(value)).toEqual(['stages', 'summary', 'work', 'estimate', 'absent', 'warnings']);
    expect(value.summary).toEqual({ hit: 0, run: 4, depends: 4 });
    const first = { experiment: 'toy', name: 'pieces', stage: 'parts', unit: 'part 1', status: 'run' };
    expect(value.stages[0]).toMatchObject(first);
    expect(value.work[0]).toEqual({ stage: 'parts', requested: 4, distinct: 2, cached: 0, run: 2, unknown: 0 });
    expect(value.estimate.device.name).toBe('cpu');
  });

  test('given twice is one', async () => {
    expect(await planned([spec('toy'), spec('toy')], {})).toBe(await planned([spec('toy')], {}));
  });

  test('shows the mistakes of all of them at once', async () => {
    const mistakes = planned([spec('invalid'), spec('toy')], { only: ['method=better'] });
    await expect(mistakes).rejects.toThrow(/invalid\.yaml:[\s\S]*better/);
  });

  test('has no estimate where all is cached', async () => {
    await toy(folder.path, 'run', spec('toy'));
    const store = join(folder.path, '.lamina');
    const out = await planned([spec('toy'), spec('wrong')], { store });
    expect(out).toMatch(/\nstage +requested +distinct +cached +to run\nparts +4 +2 +2 +0\nmeasure +4 +2 +2 +0\n/);
    expect(out).not.toContain('PFLOP');
    expect(JSON.parse(await planned([spec('toy')], { store, json: true })).estimate).toBeNull();
    // another value: what this machine has seen of these stages says what it will take
    expect(await planned([spec('toy')], { store, set: ['value=3'] })).not.toContain('PFLOP');
  });

  test('refuses a device and a utilisation that there cannot be', async () => {
    const refused = await toy(folder.path, 'plan', spec('toy'), '--device', 'abacus', '--utilisation', '40');
    expect(refused.code).toBe(2);
    expect(refused.err).toContain('h100');
    const share = await toy(folder.path, 'plan', spec('toy'), '--utilisation', '40');
    expect(share.err).toContain('expected a number above 0, at most 1');
  });
});

describe('a plan of the real profile', () => {
  const folder = workFolder();
  let out: string;
  beforeAll(async () => {
    process.env.HF_HUB_OFFLINE = '1';
    process.env.HF_HOME = folder.path;
    out = await planned([shipped('table-5')], { profile: 'llama-2-7b', device: 'a100-40gb' }, stageRegistry);
  });
  afterAll(() => {
    delete process.env.HF_HUB_OFFLINE;
    delete process.env.HF_HOME;
    folder.remove();
  });

  test('needs neither weights nor data: it says what is not here, and what it will take', () => {
    expect(out).toContain('not here, the hub cannot be reached:\n  hf://');
    expect(out).toMatch(/\nload +1 +1 +0 +14 s +268 MB +13\.5 GB\n/);
    expect(out).toMatch(/\nslw +56 +56 +\d+ /);
  });

  test('names the device, its peak and what is assumed', () => {
    expect(out).toContain('time on NVIDIA A100 40 GB, 40 GB: 40 % of 156 TFLOP/s');
    expect(out).toContain('assumed: 300 tokens per record');
    expect(out).toMatch(/! sft does not fit on a100-40gb: \d+(\.\d+)? GB of 40 GB/);
  });
});

test('long times are said as an estimate can say them', () => {
  const [minute_ms, hour_ms] = [60_000, 3_600_000];
  expect([0, 1200, 89_000].map(formatLong)).toEqual(['0 s', '2 s', '89 s']);
  expect([5 * minute_ms, 89 * minute_ms].map(formatLong)).toEqual(['5 min', '89 min']);
  expect([5.2 * hour_ms, 47 * hour_ms].map(formatLong)).toEqual(['5 h 12 min', '47 h 0 min']);
  expect(formatLong(100 * hour_ms)).toBe('4 d 4 h');
});
