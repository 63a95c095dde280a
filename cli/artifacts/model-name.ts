// What a model's name on the command line means: a folder, a file, something on the hub, or a spec that makes it.
import { isHubName } from '../../hub/name.ts';
import { findShipped, isShippedName } from '../../located/shipped.ts';
import { UserError } from '../../util/errors.ts';
import { statusAt } from '../../util/file-status.ts';
import { isRunReference } from '../runs/run-reference.ts';

/** `folder`: one in Hugging Face's layout, or a GGUF file; `checkpoint`: a file that `lamina copy` took out of a store; `spec`: a spec, or a run in its place. */
export type NamedModel =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'checkpoint'; readonly path: string }
  | { readonly kind: 'hub'; readonly name: string }
  | { readonly kind: 'spec'; readonly name: string };

const expected = "expected a model folder, a GGUF file, an 'hf://' name, or a spec (.yaml) with a stage or cell of it";

/** Throws UserError where nothing has that name. */
export function namedModel(name: string): NamedModel {
  if (isHubName(name)) return { kind: 'hub', name };
  if (isRunReference(name)) return { kind: 'spec', name };
  if (isShippedName(name)) return shipped(name);
  const found = statusAt(name);
  if (found?.isDirectory() || (found !== undefined && name.endsWith('.gguf'))) return { kind: 'folder', path: name };
  if (/\.ya?ml$/.test(name)) return { kind: 'spec', name };
  if (found === undefined) throw new UserError(`there is no model '${name}': ${expected}`);
  if (name.endsWith('.arrow')) return { kind: 'checkpoint', path: name };
  throw new UserError(`'${name}' is a file: ${expected}`);
}

/** What a command may be told of a spec. */
interface SpecWords {
  set: readonly string[];
  only: readonly string[];
  profile?: string;
}

/** Throws UserError for a part of a model that has none, and for flags that are a spec's. */
export function refuseSpecWords(name: string, part: string | undefined, { set, only, profile }: SpecWords): void {
  if (part !== undefined) {
    throw new UserError(
      `'${name}' is a model by itself, so '${part}' names nothing in it: stages and cells belong to a spec`,
    );
  }
  const [given] = [...only.map(() => '--only'), ...set.map(() => '--set'), profile && '--profile'];
  if (given) throw new UserError(`${given} is for specs, and '${name}' is a model by itself`);
}

function shipped(name: string): NamedModel {
  const found = findShipped(name, 'path');
  if ('path' in found && statusAt(found.path)?.isDirectory()) return { kind: 'folder', path: found.path };
  if ('path' in findShipped(name, 'spec')) return { kind: 'spec', name };
  const { wrong } = found as { wrong: string };
  throw new UserError(`the model '${name}' ${wrong}, or a spec (see 'lamina check lamina:')`);
}
