// The functions of a user's stage that planning asks: what breaks in them is the user's to mend, and is said as such.
import type { StageDeclaration } from '../../contract/stage.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import { stageFunctions } from './check-stage.ts';

type AnyFunction = (...given: unknown[]) => unknown;

/** The declaration with functions that throw UserError where those of the module throw anything else. */
export function guarded<D extends Partial<StageDeclaration>>(declaration: D): D {
  const functions = stageFunctions.flatMap((name) => {
    const work = declaration[name] as AnyFunction | undefined;
    return work === undefined ? [] : [[name, guard(name, work.bind(declaration), declaration.name ?? '')] as const];
  });
  return { ...declaration, ...Object.fromEntries(functions) };
}

function guard(name: string, work: AnyFunction, stage: string): AnyFunction {
  const refuse = (error: unknown): never => {
    if (isUserError(error)) throw error;
    const { stack = '', message = String(error) } = error instanceof Error ? error : {};
    const [, place = ''] = /\n\s+at (?:.* \()?([^()\n]+)/.exec(stack) ?? [];
    throw new UserError(`'${name}' of '${stage}' broke: ${message}${place && ` (at ${place})`}`, {
      cause: error,
    });
  };
  return (...given) => {
    try {
      const answer = work(...given);
      return answer instanceof Promise ? answer.catch(refuse) : answer;
    } catch (error) {
      return refuse(error);
    }
  };
}
