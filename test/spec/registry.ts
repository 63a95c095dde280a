// A registry of declared stages, as the specs of these tests use them; none of them can run.
import { Type } from 'typebox';
import type { ArtifactKind, StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { UserError } from '../../util/errors.ts';

type Ports = Record<string, ArtifactKind>;

function declare(
  name: string,
  params: Record<string, unknown>,
  inputs: Ports,
  outputs: Ports,
  more: Partial<StageDefinition> & { optional?: string[]; fields?: string[] } = {},
): StageDefinition {
  const { optional = [], fields, ...rest } = more;
  const inputPorts = Object.entries(inputs).map(([port, kind]) => [
    port,
    { kind, summary: `the ${port}`, ...(optional.includes(port) ? { optional: true } : {}) },
  ]);
  const outputPorts = Object.entries(outputs).map(([port, kind]) => [
    port,
    { kind, summary: `the ${port}`, extension: 'bin', ...(fields === undefined ? {} : { fields }) },
  ]);
  return {
    name,
    version: 1,
    summary: `the stage ${name}`,
    params: Type.Object(params as never, { additionalProperties: false }),
    inputs: Object.fromEntries(inputPorts),
    outputs: Object.fromEntries(outputPorts),
    numeric: true,
    seeded: false,
    run: () => Promise.reject(new Error('a declared stage cannot run')),
    ...rest,
  };
}

/** Half a rule: 'a' and input 'one' are two ways to say the same. */
function checkWork(a: unknown, inputs: ReadonlySet<string>): void {
  if (a !== undefined && inputs.has('one')) throw new UserError("expected parameter 'a' or input 'one', got both");
}

const type = Type.Enum(['T_next', 'T_back', 'T_front'], { default: 'T_next' });
const fraction = Type.Number({ exclusiveMinimum: 0, maximum: 1, default: 1 });
const max_length = Type.Integer({ minimum: 8, default: 2048 });

const definitions: StageDefinition[] = [
  declare('load', { path: Type.String({ format: 'path' }) }, {}, { model: 'checkpoint' }, { numeric: false }),
  declare(
    'dataset',
    {
      path: Type.Optional(Type.String({ format: 'path' })),
      form: Type.Optional(Type.Enum(['question_answer', 'dialogsum'])),
      generate: Type.Optional(Type.String()),
      records: Type.Optional(Type.Integer({ minimum: 1 })),
    },
    {},
    { train: 'dataset', eval: 'dataset' },
    { numeric: false },
  ),
  declare('share', { type }, { model: 'checkpoint' }, { recovery: 'recovery' }, { numeric: false }),
  declare(
    'capture-activations',
    { fraction, max_length, tokens: Type.Optional(Type.Integer({ minimum: 1 })) },
    { model: 'checkpoint', data: 'dataset' },
    { activations: 'activations' },
  ),
  declare(
    'slw',
    {
      type,
      candidate: Type.String({ default: 'g0' }),
      rank: Type.Integer({ minimum: 1, default: 400 }),
      lr: Type.Number({ exclusiveMinimum: 0, default: 1e-3 }),
      layers: Type.Optional(Type.Array(Type.Integer({ minimum: 1 }))),
      threads: Type.Integer({ minimum: 1, default: 1 }),
    },
    { model: 'checkpoint', activations: 'activations' },
    { recovery: 'recovery' },
    { seeded: true },
  ),
  declare(
    'sft',
    {
      lr: Type.Number({ exclusiveMinimum: 0, default: 2e-5 }),
      batch_size: Type.Integer({ minimum: 1, default: 8 }),
      epochs: Type.Integer({ minimum: 1, default: 3 }),
      fraction,
      max_length,
      schedule: Type.Object(
        { name: Type.Enum(['cosine', 'linear'], { default: 'cosine' }), warmup_ratio: Type.Number({ default: 0 }) },
        { additionalProperties: false, default: {} },
      ),
    },
    { model: 'checkpoint', recovery: 'recovery', data: 'dataset' },
    { recovery: 'recovery' },
    { seeded: true },
  ),
  declare(
    'perplexity-eval',
    { max_length },
    { model: 'checkpoint', recovery: 'recovery', data: 'dataset' },
    { metrics: 'metrics' },
    { optional: ['recovery'], fields: ['perplexity', 'tokens'] },
  ),
  declare(
    'work',
    { a: Type.Optional(Type.Number()), b: Type.Optional(Type.Unknown()) },
    { one: 'file', two: 'file' },
    { out: 'file', log: 'file', score: 'metrics' },
    { optional: ['one', 'two'], check: ({ a }, inputs) => checkWork(a, inputs) },
  ),
];

export const registry: StageRegistry = new Map(definitions.map((definition) => [definition.name, definition]));
