// Loads a stage of a user's own from its module: this runs the module's code, in the planning process and in every worker that works on it.
import { extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StageContext, StageDeclaration, StageDefinition } from '../../contract/stage.ts';
import { hasCode, UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { stageComplaint } from './check-stage.ts';
import { guarded } from './guard.ts';

/** The stage that the module at an absolute path exports. Throws UserError, with a sentence that goes on after the module's name. */
export async function loadStage(path: string): Promise<StageDefinition> {
  refuseTypes(path);
  const loaded = await importModule(path);
  if (!Object.hasOwn(loaded, 'default')) {
    throw new UserError('has no default export, expected its stage: export default defineStage({ ... })');
  }
  const wrong = stageComplaint(loaded.default);
  if (wrong !== undefined) throw new UserError(`cannot be used: its default export ${wrong}`);
  // what is said of the parameters' types was checked when the module was written, or not at all
  const { run, ...declaration } = loaded.default as StageDeclaration & { run(context: StageContext): Promise<void> };
  const params = isObject(declaration.params) && { additionalProperties: false, ...declaration.params };
  const standard = { version: 1, numeric: false, seeded: false };
  return {
    ...standard,
    ...guarded(declaration),
    params: params as StageDeclaration['params'],
    run: async () => (context) => run(context),
  };
}

function refuseTypes(path: string): void {
  const isTypeScript = ['.ts', '.mts', '.cts'].includes(extname(path));
  const { features } = process as { features: { typescript?: unknown } };
  if (!isTypeScript || features.typescript) return;
  throw new UserError(
    `is TypeScript, which Node ${process.versions.node} does not run, expected JavaScript (.mjs) or Node 22.18 and later`,
  );
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  const idle = whenIdle();
  try {
    return (await Promise.race([import(pathToFileURL(path).href), idle.promise])) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot be loaded: ${reasonOf(error)}`, { cause: error });
  } finally {
    idle.forget();
  }
}

/** Rejects when the process has nothing left to do: Node would end then, without a word, while a module still waits at its top level. */
function whenIdle(): { promise: Promise<never>; forget(): void } {
  let forget = () => {};
  const promise = new Promise<never>((_resolve, reject) => {
    const onIdle = () => reject(new UserError('cannot be loaded: it waits at its top level for what never comes'));
    process.once('beforeExit', onIdle);
    forget = () => process.off('beforeExit', onIdle);
  });
  return { promise, forget };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const [first = ''] = error.message.split('\n');
  if (hasCode(error, 'ERR_MODULE_NOT_FOUND') && /package 'lamina'/.test(first)) {
    return `${first}; install lamina beside it: npm install lamina`;
  }
  return error.name === 'Error' || hasCode(error, 'ERR_MODULE_NOT_FOUND') ? first : `${error.name}: ${first}`;
}
