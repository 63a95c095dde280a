// command: any program, with what it reads and makes declared, so that its results are cached like those of all other stages.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { artifactKinds, type InputPorts, type OutputPorts } from '../../contract/ports.ts';
import { Type } from '../../schemas/type.ts';
import { object } from '../common/options.ts';
import { commandCost } from '../costs/copying.ts';
import { checkArguments } from './arguments.ts';
import { commandPorts } from './ports.ts';
import { settleCommand } from './settle.ts';

const plainName = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_-]*$' });
const variableName = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' });
const kind = Type.Optional(Type.Enum([...artifactKinds], { description: 'what it holds (default: file)' }));
const summary = Type.Optional(Type.String({ description: 'what it is, for people' }));
const value = Type.Union([Type.String(), Type.Number(), Type.Boolean()]);

const input = object({
  kind,
  summary,
  optional: Type.Optional(
    Type.Boolean({ description: 'it may be left out; arguments that name it are then left out too' }),
  ),
});

const output = object({
  kind,
  summary,
  extension: Type.Optional(
    Type.String({
      pattern: '^[a-z0-9]{1,16}$',
      description: "the file's ending in the store (default: json of metrics)",
    }),
  ),
  file: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'where the program writes it in its working folder; not given: where {out.NAME} says',
    }),
  ),
  fields: Type.Optional(
    Type.Array(Type.String(), {
      minItems: 1,
      description: 'of metrics: the numbers that are there, by which references to them are checked',
    }),
  ),
  optional: Type.Optional(Type.Boolean({ description: 'it need not be written' })),
});

const params = object({
  run: Type.Array(Type.String(), {
    minItems: 1,
    description:
      'the program and its arguments, one by one: no shell reads them. {in.NAME}, {out.NAME} and {param.NAME} stand for paths and values, {scratch} for a folder that survives a killed attempt',
  }),
  files: Type.Optional(
    Type.Array(
      Type.Union([
        Type.String({ format: 'path' }),
        object({
          as: Type.String({ minLength: 1, description: 'its name in the working folder' }),
          path: Type.String({ format: 'path', description: 'a file or folder' }),
        }),
      ]),
      {
        description:
          'what of your own it needs: files, folders and patterns (lib/*.py, lib/**/*.py) beside the pipeline; they lie in its working folder under the same names, nothing else does, and their bytes are part of the key',
      },
    ),
  ),
  inputs: Type.Optional(Type.Record(plainName, input, { description: 'its inputs by name, to be joined under in' })),
  outputs: Type.Record(plainName, output, { minProperties: 1, description: 'what it makes, by name' }),
  params: Type.Optional(Type.Record(plainName, value, { description: 'values for {param.NAME}' })),
  env: Type.Optional(
    Type.Record(variableName, value, {
      description:
        'environment variables; beside them there are only PATH, HOME (a folder of its own) and LANG=C.UTF-8',
    }),
  ),
  env_from: Type.Optional(
    Type.Array(variableName, {
      description:
        'variables that are taken over from your environment, with their values in the key (and in the record)',
    }),
  ),
});
export type CommandParams = Static<typeof params>;

export const command = declareStage({
  name: 'command',
  version: 1,
  summary: 'runs a program of your own, in a clean environment, with declared inputs, outputs and files',
  reference: 'docs/command.md',
  params,
  inputs: {} as InputPorts,
  outputs: {} as OutputPorts,
  numeric: false,
  seeded: false,
  ports: commandPorts,
  check: checkArguments,
  expect: async () => ({}), // it never tells more, so that later stages can be planned before it has run
  settle: settleCommand,
  cost: commandCost,
});
