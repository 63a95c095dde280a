// The digest of a model or data set on the hub: made of repository, commit and file selection, not of its bytes.
import { formatHubName, type HubName, hubName, pinHubName } from '../hub/name.ts';
import { resolveRevision } from '../hub/revision.ts';
import { defaultSelection } from '../hub/select-data.ts';
import { hubSettings } from '../hub/settings.ts';
import { type BlobRef, sha256 } from './digest.ts';

/** A source's digest; for one on the hub, of the name that `hub` holds. */
export interface SourceRef extends BlobRef {
  /** `hf://datasets/org/name@<commit>/<selection>`: what the digest was taken over, so that people can read it. */
  hub?: string;
}

/**
 * Names what `text` (an `hf://` name) means now. A commit's files never change, so its name stands for them; its size is 0
 * because nothing is read. Throws HubUnreachable when the commit cannot be known.
 */
export async function hubSource(text: string, signal?: AbortSignal): Promise<SourceRef> {
  const name = hubName(text);
  const hub = contentName(name, await resolveRevision(name, hubSettings(), signal));
  return { digest: sha256(`hub/1 ${hub}`), size: 0, hub };
}

/** The `hf://` name that a stage is given: the commit of the source, and the branch or tag that led there. */
export function pinnedName(text: string, { hub }: SourceRef): string {
  const name = hubName(text);
  return formatHubName(pinHubName(name, hubName(hub ?? text).revision ?? ''), true);
}

/** Without the branch or tag, and with the selection that is meant where none is given. */
function contentName(name: HubName, commit: string): string {
  const path = name.type === 'dataset' && name.path === '' ? defaultSelection(name.repo) : name.path;
  return formatHubName({ ...name, revision: commit, path, ref: undefined });
}
