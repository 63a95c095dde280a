import { describe, expect, it } from 'vitest';
import { checkArguments, fillArguments } from '../../stages/command/arguments.ts';
import { commandPorts } from '../../stages/command/ports.ts';

const outputs = { metrics: {} };
const places = {
  inputs: { one: { files: { '': '/one' } }, many: { files: { 'layer 1': '/1', 'layer 2': '/2' } }, left: undefined },
  outputs: { metrics: '/out' },
  scratch: '/scratch',
};
const filled = (...run: string[]) => fillArguments({ run, outputs, params: { k: 3, on: true } }, places);

describe('the arguments of a command', () => {
  it('hold paths and values where their names stood', () => {
    expect(
      filled('x', '{in.one}', '--to={out.metrics}', '{param.k}{param.on}', '{scratch}/s', '{"a": {}}', '{in}'),
    ).toEqual([...['x', '/one', '--to=/out', '3true', '/scratch/s', '{"a": {}}', '{in}']]);
  });

  it('become several for an input of several files, and go for one that is left out', () => {
    expect(filled('x', '{in.many}', '{in.left}', '--left={in.left}', 'y')).toEqual(['x', '/1', '/2', 'y']);
    expect(() => filled('x', '--all={in.many}')).toThrow(
      "'run': input 'many' has 2 files, expected '{in.many}' as an argument of its own, got '--all={in.many}'",
    );
  });
});

describe('checking the arguments of a command', () => {
  it('goes through the declared inputs for none of its arguments', () => {
    let listed = 0;
    const names = Array.from({ length: 50 }, (_, i) => `i${i}`);
    const inputs = new Proxy(Object.fromEntries(names.map((name) => [name, {}])), {
      ownKeys: (of) => {
        listed++;
        return Reflect.ownKeys(of);
      },
    });
    const run = ['cat', ...names.map((name) => `{in.${name}}`), '{out.metrics}'];
    checkArguments({ run, inputs, outputs }, new Set(names));
    expect(listed).toBe(0);
    expect(() => checkArguments({ run: [...run, '{in.i5x}'], inputs, outputs }, new Set(names))).toThrow(
      "'run': {in.i5x} names no input",
    );
  });
});

describe('the ports of a command', () => {
  it('have the kinds, endings and fields that are given, and usual ones', () => {
    expect(
      commandPorts({
        inputs: { a: {}, b: { kind: 'dataset', summary: 'records', optional: true } },
        outputs: {
          m: { kind: 'metrics', fields: ['n'] },
          f: { extension: 'txt', optional: true },
          d: { kind: 'dataset' },
        },
      }),
    ).toEqual({
      inputs: { a: { kind: 'file', summary: '' }, b: { kind: 'dataset', summary: 'records', optional: true } },
      outputs: {
        m: { kind: 'metrics', summary: '', extension: 'json', fields: ['n'] },
        f: { kind: 'file', summary: '', extension: 'txt', optional: true },
        d: { kind: 'dataset', summary: '', extension: 'jsonl' },
      },
    });
  });

  it('pass over what the schema is going to refuse', () => {
    expect(commandPorts({ inputs: 3, outputs: { a: 'x', b: { kind: 7, extension: {}, fields: 1 } } })).toEqual({
      inputs: {},
      outputs: { b: { kind: 'file', summary: '', extension: 'bin' } },
    });
  });
});
