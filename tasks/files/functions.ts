// The Python functions that task files name with `!function`: built in, or a user's own. No Python of a task folder is ever run.
import { basename } from 'node:path';
import type { Span } from '../../located/located.ts';
import { commonFunctions } from './common-functions.ts';
import { mistake } from './located-fields.ts';
import { asTaskFunction } from './own-functions.ts';
import { paperFunctions } from './paper-functions.ts';
import type { OwnFunctions, TaskFunction } from './task-function.ts';

const functions = { ...paperFunctions, ...commonFunctions };

/** The function that `name`, written at `span`, stands for, the user's own first; anything else is a UserError with file and line. */
export function findFunction(name: string, span: Span, kind: TaskFunction['kind'], own: OwnFunctions): TaskFunction {
  const full = `${basename(span.source.folder)}/${name}`;
  const mine = own.get(full);
  if (mine !== undefined) return asTaskFunction(full, mine, kind);
  const found = Object.hasOwn(functions, full) ? functions[full] : undefined;
  if (found?.kind === kind) return found;
  throw mistake(
    span,
    found === undefined
      ? `unknown function '${name}': lamina runs no Python, and '${full}' is none of the ${Object.keys(functions).length} that it has built in; write it as '${full}' in a module of your own and name that as 'functions' (docs/tasks.md)`
      : `the function '${name}' cannot stand here, it is one for '${found.kind}'`,
  );
}
