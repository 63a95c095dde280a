// Runs one stage by itself in a temporary folder, as a worker would, and hands back the paths of its outputs.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type {
  Facts,
  JsonObject,
  Progress,
  StageDeclaration,
  StageDefinition,
  StageInput,
  StageRun,
  UnitWork,
} from '../../contract/stage.ts';
import { stageRegistry } from '../../stages/registry.ts';

export interface StageOutcome {
  /** Paths by unit name, then by output name. */
  files: Record<string, Record<string, string>>;
  facts: Record<string, Facts>;
  reports: Progress[];
  /** What the stage warned of, in order. */
  warnings: string[];
}

/** An input whose digests are taken of its files. */
export type GivenInput = Omit<StageInput, 'digests'>;

export interface StageSetup {
  params?: Record<string, unknown>;
  inputs?: Record<string, string | GivenInput>;
  units?: readonly string[];
  seed?: number;
  /** Keeps scratch areas between calls. */
  folder?: string;
  signal?: AbortSignal;
  onProgress?: (report: Progress) => void;
}

/** A declaration as the runner knows it: its parameters are JSON, of which a test may leave some out. */
export const untyped = (declaration: StageDeclaration): StageDeclaration => declaration;

const ajv = new Ajv2020({ useDefaults: true, strict: false, formats: { path: true } });

const made: string[] = [];
process.on('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A folder that lives until the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-test-'));
  made.push(folder);
  return folder;
}

/** Validates the parameters (filling in defaults) as a plan does, runs the stage and returns what it wrote. */
export async function runStage(definition: StageDeclaration, setup: StageSetup = {}): Promise<StageOutcome> {
  const params = withDefaults(definition, setup.params ?? {});
  const inputs = Object.fromEntries(Object.entries(setup.inputs ?? {}).map(([name, input]) => [name, asInput(input)]));
  definition.check?.(params, new Set(Object.keys(inputs)));
  const folder = setup.folder ?? temporaryFolder();
  const outcome: StageOutcome = { files: {}, facts: {}, reports: [], warnings: [] };
  const run = await workOf(definition);
  await run({
    params,
    seed: setup.seed ?? 42,
    numerics: { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 },
    inputs,
    units: tasksOf(definition, params, inputs, setup, folder, outcome),
    progress: (report) => {
      outcome.reports.push(report);
      setup.onProgress?.(report);
    },
    warn: (message) => void outcome.warnings.push(message),
    signal: setup.signal ?? new AbortController().signal,
  });
  return outcome;
}

/** The work of a stage; that which the registry joins to a mere declaration. */
async function workOf(stage: StageDeclaration | StageDefinition): Promise<StageRun> {
  if ('run' in stage) return stage.run();
  const { name } = stage;
  const found = stageRegistry.get(name);
  if (found === undefined) throw new Error(`no stage '${name}' in the registry`);
  return found.run();
}

/** `given`, checked and with the defaults of the parameters that it leaves out. */
export function withDefaults(definition: StageDeclaration, given: Record<string, unknown>): JsonObject {
  const params = structuredClone(given);
  if (!ajv.validate(definition.params, params)) throw new Error(ajv.errorsText());
  return params as JsonObject;
}

function asInput(input: string | GivenInput): StageInput {
  const { files, facts } = typeof input === 'string' ? { files: { '': input }, facts: {} } : input;
  const digests = Object.entries(files).map(([unit, path]) => [unit, digestOf(path)] as const);
  return { files, digests: Object.fromEntries(digests), facts };
}

/** One that names nothing, as tests of early refusals give it, has the digest of its path. */
function digestOf(path: string): string {
  return createHash('sha256')
    .update(existsSync(path) ? readFileSync(path) : path)
    .digest('hex');
}

function tasksOf(
  definition: StageDeclaration,
  params: JsonObject,
  inputs: Record<string, StageInput>,
  setup: StageSetup,
  folder: string,
  outcome: StageOutcome,
): UnitWork[] {
  const facts = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.facts]));
  const units = definition.units?.(params, facts) ?? [{ name: '', params }];
  const wanted = units.filter(({ name }) => setup.units === undefined || setup.units.includes(name));
  return wanted.map(({ name, params: own }) => {
    const place = join(folder, encodeURIComponent(name));
    const scratch = join(place, 'scratch');
    mkdirSync(scratch, { recursive: true });
    const outputs = Object.fromEntries(
      Object.entries(definition.outputs).map(([output, { extension }]) => [
        output,
        join(place, `${output}.${extension}`),
      ]),
    );
    const done = async (found: Facts = {}) => {
      outcome.files[name] = outputs;
      outcome.facts[name] = found;
    };
    return { name, params: own, outputs, scratch, done };
  });
}
