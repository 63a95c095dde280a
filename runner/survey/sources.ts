import { codePointer, type PlanNode } from '../../contract/plan.ts';
import { digestCode } from '../../store/code-digest.ts';
import type { BlobRef } from '../../store/digest.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import type { NodeState } from './graph.ts';
import { valueAt } from './preimage.ts';

/** The pointers and paths of a node's sources that have no digest, because they are not there. */
export function absentSources(
  { node }: NodeState,
  sources: Readonly<Record<string, BlobRef>>,
): { pointer: string; path: string }[] {
  return node.paths.flatMap((pointer) => {
    const path = valueAt(node.params, pointer);
    return typeof path !== 'string' || sources[pointer] !== undefined ? [] : [{ pointer, path }];
  });
}

/** The bytes that a node's paths name, and its code where that is the user's own, or lamina's that was changed; `fresh`: as it is now. */
export async function sourcesOf(
  { node, definition }: NodeState,
  digest: (path: string) => Promise<SourceRef | undefined>,
  fresh: boolean,
): Promise<Record<string, BlobRef>> {
  const sources = await digestPaths(node, digest);
  const code = node.module === undefined ? definition.code?.(fresh) : digestCode(node.module);
  return code === undefined ? sources : { ...sources, [codePointer]: code };
}

async function digestPaths(
  node: PlanNode,
  digest: (path: string) => Promise<SourceRef | undefined>,
): Promise<Record<string, BlobRef>> {
  const sources: Record<string, BlobRef> = {};
  for (const pointer of node.paths) {
    const path = valueAt(node.params, pointer);
    if (typeof path !== 'string') continue;
    try {
      const source = await digest(path);
      if (source !== undefined) sources[pointer] = source;
    } catch (error) {
      if (!isUserError(error)) throw error;
      const where = `stage '${node.stage}', parameter '${pointer.slice(1)}'`;
      throw new UserError(`${where}: ${error.message}${givenAt(node, pointer)}`, { cause: error });
    }
  }
  return sources;
}

/** ` (given at small.yaml:8:14)`: where the user wrote the value at `pointer`, as far as it is known. */
function givenAt({ origins }: PlanNode, pointer: string): string {
  for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins[at];
    if (origin !== undefined) {
      return origin.line === 0
        ? ` (given by ${origin.file})`
        : ` (given at ${origin.file}:${origin.line}:${origin.column})`;
    }
    if (at === '') return '';
  }
}
