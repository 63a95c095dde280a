// The text of a lock: written so that git shows which input or record moved, and read as what a stranger may have written.
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { cacheKey } from '../../store/key.ts';
import { jsonObject, numericsShape } from '../../store/runs/result-shape.ts';
import { UserError } from '../../util/errors.ts';
import {
  chosen,
  fields,
  index,
  list,
  mapOf,
  misshape,
  nullable,
  number,
  oneOf,
  optional,
  type Shape,
  text,
} from '../../util/shape.ts';
import { type Lock, type LockedPlan, preimageOfLocked } from './lock.ts';

/** A lock of a hundred thousand units is no larger. */
export const largestLock_bytes = 256 * 1024 * 1024;
const deepest = 64;

const blob = fields<{ digest: string; size: number }>({ digest: text, size: index });
const input = chosen<object>((value) => ('units' in value ? fields({ units: mapOf(blob) }) : blob));
const source = { digest: text, size: index, hub: optional(text) };

const unitShape: Shape<object> = fields({
  stage: text,
  cell: text,
  unit: text,
  key: text,
  made_from: fields({
    t: oneOf('action/1'),
    stage: text,
    version: index,
    params: index,
    inputs: mapOf(nullable(input)),
    sources: mapOf(fields(source)),
    seed: optional(index),
    numerics: optional(numericsShape),
    unit: optional(text),
  }),
  outputs: mapOf(text),
});

const planShape: Shape<object> = fields({
  profile: text,
  flags: list(text),
  environments: list(fields({ versions: mapOf(text), machine: mapOf(text) })),
  sources: list(fields({ name: text, ...source })),
  cells: list(
    fields({ cell: text, metric: text, value: nullable(number), key: nullable(text), digest: nullable(text) }),
  ),
  params: list(jsonObject),
  units: list(unitShape),
});

const lockShape: Shape<object> = fields({
  format: oneOf('lamina-lock'),
  version: oneOf(1),
  experiment: text,
  plans: list(planShape),
});

/** Reads a lock; `name` is that of its file. Throws UserError for what is none, or was changed by hand. */
export function parseLock(content: string, name: string): Lock {
  const value = parseStrictJson(content, `'${name}'`, deepest);
  const wrong = misshape(lockShape, value);
  if (wrong !== undefined) throw new UserError(`'${name}' is not a lock of lamina: ${wrong}`);
  const lock = value as Lock;
  for (const [i, plan] of lock.plans.entries()) checkKeys(plan, `'${name}', 'plans.${i}'`);
  return lock;
}

/** A key is the digest of what it is made from, so that what was edited or merged badly is seen. */
function checkKeys(plan: LockedPlan, where: string): void {
  for (const unit of plan.units) {
    const isOf = unit.made_from.params in plan.params && cacheKey(preimageOfLocked(unit, plan)) === unit.key;
    if (isOf) continue;
    const way = 'take it from git again, or lock again';
    throw new UserError(
      `${where}: unit '${unit.key.slice(0, 12)}' of stage '${unit.stage}' is not what was locked: ${way}`,
    );
  }
}

/** A line for each source, cell, set of parameters and unit. */
export function lockText({ plans, ...head }: Lock): string {
  const heads = Object.entries(head).map(([name, value]) => ` ${JSON.stringify(name)}: ${JSON.stringify(value)},\n`);
  return `{\n${heads.join('')} "plans": [${plans.map((plan) => `\n  {\n${planText(plan)}\n  }`).join(',')}\n ]\n}\n`;
}

function planText(plan: LockedPlan): string {
  return Object.entries(plan)
    .map(([name, value]: [string, unknown]) => `   ${JSON.stringify(name)}: ${linesOf(value)}`)
    .join(',\n');
}

function linesOf(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return JSON.stringify(value);
  return `[\n${value.map((each) => `    ${JSON.stringify(each)}`).join(',\n')}\n   ]`;
}
