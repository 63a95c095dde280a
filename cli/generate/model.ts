// Which model `lamina generate` is asked for: a folder, a name on the hub, or files of the store that a spec names.
import { inspect } from '../../runner/survey/inspect.ts';
import { UserError } from '../../util/errors.ts';
import { modelFiles } from '../artifacts/model-files.ts';
import { namedModel, refuseSpecWords } from '../artifacts/model-name.ts';
import { modelLabel, pickModel } from '../artifacts/pick-model.ts';
import type { Context } from '../common/context.ts';
import type { GenerateFlags } from '../common/flags.ts';
import { sayProject } from '../common/project.ts';
import { openToFetch } from '../common/remote.ts';
import { planCommand } from '../common/spec-name.ts';
import { wantedPlan } from '../runs/run-reference.ts';

/** Where a model's files lie. `label` names it for people. */
export type FoundModel =
  | {
      readonly kind: 'folder';
      readonly label: string;
      /** A folder in Hugging Face's layout, or a GGUF file. */
      readonly folder: string;
    }
  | { readonly kind: 'hub'; readonly label: string; readonly name: string }
  | {
      readonly kind: 'files';
      readonly label: string;
      readonly checkpoint: string;
      /** Shared layers and recovery parameters on top of it. */
      readonly recovery?: readonly string[] | undefined;
      /** When its tokens stop early. */
      readonly exit?: readonly string[] | undefined;
    };

/** Finds the model. Throws UserError when there is none of that name, or when it has not been made yet. */
export async function findModel(
  name: string,
  part: string | undefined,
  flags: GenerateFlags,
  context: Context,
): Promise<FoundModel> {
  const named = namedModel(name);
  if (named.kind === 'spec') return findInSpec(name, part, flags, context);
  refuseSpecWords(name, part, flags);
  if (named.kind === 'hub') return { kind: 'hub', label: name, name };
  if (named.kind === 'folder') return { kind: 'folder', label: name, folder: named.path };
  return { kind: 'files', label: name, checkpoint: named.path };
}

async function findInSpec(
  text: string,
  part: string | undefined,
  flags: GenerateFlags,
  context: Context,
): Promise<FoundModel> {
  const { profile, set, only, store: path } = flags;
  sayProject(context, path, false);
  const registry = await context.registry();
  const given = { ...(profile && { profile }), set, only, force: [], store: path };
  const { spec, flags: asked, plan, changed } = await wantedPlan(text, given, registry);
  if (changed !== undefined) throw new UserError(`${changed}: its models cannot be found by it`);
  const pick = pickModel(plan, registry, text, part);
  const store = await openToFetch(path, flags, context);
  try {
    const { items } = await inspect(plan, registry, store);
    const first = planCommand('run', spec, asked);
    const again = (stage: string) => planCommand('run', spec, asked, '--force', stage);
    const files = await modelFiles(pick, { items, registry, store, first, again });
    return { kind: 'files', label: modelLabel(pick), ...files };
  } finally {
    store.close();
  }
}
