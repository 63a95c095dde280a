// The arguments of a command: where inputs, outputs and values stand in them, and what they become.
import type { InputFiles } from '../../contract/stage.ts';
import { expectedNames } from '../../located/nearest.ts';
import { UserError } from '../../util/errors.ts';

/** The parameters that the arguments are made of. */
export interface ArgumentParams {
  readonly run: readonly string[];
  readonly inputs?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly outputs: Readonly<
    Record<string, { readonly kind?: string; readonly file?: string; readonly fields?: readonly string[] }>
  >;
  readonly params?: Readonly<Record<string, string | number | boolean>>;
  readonly env?: Readonly<Record<string, string | number | boolean>>;
  readonly env_from?: readonly string[];
}

/** What stands for the names in the arguments. */
export interface Places {
  readonly inputs: Readonly<Record<string, InputFiles | undefined>>;
  readonly outputs: Readonly<Record<string, string | undefined>>;
  readonly scratch: string;
}

const template = /\{(?:(in|out|param)\.([A-Za-z_][A-Za-z0-9_-]*)|scratch)\}/g;
const kinds = { in: 'input', out: 'output', param: 'parameter' } as const;

/** Throws UserError for names that are not declared, and for what is declared and never handed to the program. */
export function checkArguments(params: ArgumentParams, joined: ReadonlySet<string>): void {
  const { run, inputs = {}, outputs, params: values = {}, env = {}, env_from = [] } = params;
  const known = { in: inputs, out: outputs, param: values };
  const used = new Set<string>();
  for (const argument of run) {
    for (const [text, kind, name = ''] of argument.matchAll(template)) {
      if (kind === undefined) continue;
      const declared = known[kind as keyof typeof kinds];
      used.add(`${kind}.${name}`);
      if (Object.hasOwn(declared, name)) continue;
      const names = Object.keys(declared);
      throw new UserError(
        `'run': ${text} names no ${kinds[kind as keyof typeof kinds]}${expectedNames(name, names, 'there is none')}`,
      );
    }
  }
  for (const name of joined) if (!used.has(`in.${name}`)) throw unused('input', name, `{in.${name}}`);
  for (const [name, { file, kind, fields }] of Object.entries(outputs)) {
    if (file === undefined && !used.has(`out.${name}`)) {
      throw new UserError(
        `output '${name}' has no place: expected {out.${name}} among the arguments of 'run', or 'file' with its name in the working folder`,
      );
    }
    if (file !== undefined) refuseOutside(name, file);
    if (fields !== undefined && kind !== 'metrics') {
      throw new UserError(`output '${name}': 'fields' are of kind 'metrics', got kind '${kind ?? 'file'}'`);
    }
  }
  for (const name of Object.keys(values))
    if (!used.has(`param.${name}`)) throw unused('parameter', name, `{param.${name}}`);
  const twice = env_from.find((name) => Object.hasOwn(env, name));
  if (twice !== undefined)
    throw new UserError(`variable '${twice}' stands under 'env' and 'env_from', expected one of them`);
}

function unused(what: string, name: string, text: string): UserError {
  return new UserError(`${what} '${name}' is not handed to the program: expected ${text} among the arguments of 'run'`);
}

function refuseOutside(output: string, file: string): void {
  if (!file.startsWith('/') && !file.split('/').includes('..')) return;
  throw new UserError(`output '${output}': 'file' expects a name in the working folder, got '${file}'`);
}

/** The program and its arguments. One that is an input of several files becomes all of them; one that names an input that is left out goes. */
export function fillArguments({ run, params = {} }: ArgumentParams, places: Places): string[] {
  return run.flatMap((argument) => fill(argument, params, places));
}

function fill(argument: string, values: NonNullable<ArgumentParams['params']>, places: Places): string[] {
  const [first] = [...argument.matchAll(template)];
  if (first !== undefined && first[0] === argument && first[1] === 'in') return filesOf(places.inputs[first[2] ?? '']);
  let left = false;
  const text = argument.replace(template, (_, kind: string | undefined, name: string) => {
    if (kind === undefined) return places.scratch;
    if (kind === 'out') return places.outputs[name] ?? '';
    if (kind === 'param') return String(values[name]);
    const files = filesOf(places.inputs[name]);
    if (files.length > 1) {
      throw new UserError(
        `'run': input '${name}' has ${files.length} files, expected '{in.${name}}' as an argument of its own, got '${argument}'`,
      );
    }
    if (files[0] === undefined) left = true;
    return files[0] ?? '';
  });
  return left ? [] : [text];
}

function filesOf(input: InputFiles | undefined): string[] {
  return Object.values(input?.files ?? {});
}
