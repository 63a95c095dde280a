// Functions of task files as a user's module: its default export holds them by `folder/module.function`.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Doc, isMapping, numberOf, type Value, WholeFloat } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { briefly } from '../../util/shown.ts';
import type { Answer, Item, OwnFunctions, TaskFunction } from './task-function.ts';

/** No functions of one's own. */
export const noFunctions: OwnFunctions = new Map();

/**
 * Loads the functions of the module `path`; undefined for none. UserError for a module that is not there, cannot be loaded, holds something
 * else, or imports files beside it: the stage's key has the digest of this file alone.
 */
export async function loadFunctions(path: string | undefined): Promise<OwnFunctions> {
  if (path === undefined) return noFunctions;
  const where = `functions '${path}'`;
  const source = await readFile(path, 'utf8').catch(() => {
    throw new UserError(`${where}: there is no such file, expected a module such as functions.mjs`);
  });
  if (/(?:\bfrom\s*|\bimport\s*\(?\s*)['"]\.{1,2}\//.test(source)) {
    throw new UserError(`${where}: it imports a file beside it, whose changes no key would show: expected one file`);
  }
  const { default: found } = await load(path, where);
  if (!isObject(found)) throw new UserError(`${where}: expected an object of functions as its default export`);
  for (const [name, value] of Object.entries(found)) {
    if (!/^[^/]+\/[^/.]+\.[^/.]+$/.test(name) || typeof value !== 'function') {
      throw new UserError(
        `${where}: expected functions named 'folder/module.function', got '${name}': ${briefly(value)}`,
      );
    }
  }
  return new Map(Object.entries(found as Record<string, (...args: never[]) => unknown>));
}

async function load(path: string, where: string): Promise<{ default?: unknown }> {
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
  } catch (error) {
    throw new UserError(`${where}: it cannot be loaded: ${(error as Error).message}`);
  }
}

type Own = (...args: unknown[]) => unknown;

/** A user's function in the place where a task file has it. It is given plain JSON, and what it gives is checked. */
export function asTaskFunction(
  name: string,
  own: (...args: never[]) => unknown,
  kind: TaskFunction['kind'],
): TaskFunction {
  const call = (...args: unknown[]): unknown => {
    try {
      return (own as Own)(...args);
    } catch (error) {
      throw new TypeError(`'${name}' fails: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
  if (kind === 'doc') return { kind, call: (doc) => checkedValue(call(plainDoc(doc)), name) };
  if (kind === 'process_docs') {
    return { kind, call: (doc) => docOf(call(plainDoc(doc)), name) };
  }
  return { kind, call: (doc, answers: readonly Answer[]) => itemsOf(call(plainDoc(doc), answers), name) };
}

function plainDoc(doc: Doc): unknown {
  return Object.fromEntries(Object.entries(doc).map(([key, value]) => [key, plain(value)]));
}

function plain(value: Value): unknown {
  if (value instanceof WholeFloat) return value.value;
  if (Array.isArray(value)) return value.map(plain);
  return isMapping(value) ? plainDoc(value) : value;
}

function checkedValue(value: unknown, name: string): Value {
  if (value === null || ['boolean', 'string'].includes(typeof value) || Number.isFinite(value)) return value as Value;
  if (Array.isArray(value)) return value.map((one) => checkedValue(one, name));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, checkedValue(one, name)]));
  throw new TypeError(`'${name}' gives ${briefly(value)}, expected what JSON holds`);
}

function docOf(value: unknown, name: string): Doc | undefined {
  if (value === undefined || value === null) return undefined;
  const found = checkedValue(value, name);
  if (isMapping(found)) return found;
  throw new TypeError(`'${name}' gives ${briefly(value)}, expected a record, or null for one that is left out`);
}

function itemsOf(value: unknown, name: string): Record<string, Item> {
  const isNumber = (one: unknown) => typeof one === 'number' || typeof one === 'boolean';
  const isItem = (one: unknown) => isNumber(one) || (Array.isArray(one) && one.length === 2 && one.every(isNumber));
  if (!isObject(value) || !Object.values(value).every(isItem)) {
    throw new TypeError(
      `'${name}' gives ${briefly(value)}, expected numbers, or pairs of a sum and its weight, by metric`,
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      Array.isArray(one) ? [Number(one[0]), Number(one[1])] : (numberOf(one as Value) ?? Number.NaN),
    ]),
  );
}
