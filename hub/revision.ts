// Which commit a name means: asked from the hub, or from the cache when the hub cannot be asked.
import { cachedCommit } from './cache.ts';
import { HubNotFound, HubUnreachable } from './errors.ts';
import { formatHubName, type HubName, isCommit } from './name.ts';
import { boundedFetch } from './request.ts';
import type { HubSettings } from './settings.ts';

/**
 * The commit (40 hexadecimal digits) that `name` means. A name with a full commit needs no network. Throws
 * HubUnreachable when neither hub nor cache can say, another UserError for what the hub does not have or give.
 */
export async function resolveRevision(name: HubName, settings: HubSettings, signal?: AbortSignal): Promise<string> {
  if (isCommit(name.revision)) return name.revision;
  try {
    return await askHub(name, settings, signal);
  } catch (error) {
    if (!(error instanceof HubUnreachable)) throw error;
    const known = cachedCommit(name, settings);
    if (known !== undefined) return known;
    throw new HubUnreachable(
      `cannot find out which commit '${name.revision ?? 'main'}' of ${shown(name)} is: ${error.message}, and the cache '${settings.cache}' does not know it; connect, or name a commit (${shown({ ...name, revision: undefined })}@<40 hexadecimal digits>)`,
      { cause: error },
    );
  }
}

async function askHub(name: HubName, settings: HubSettings, signal: AbortSignal | undefined): Promise<string> {
  const { datasetInfo, modelInfo } = await import('@huggingface/hub');
  const { type, repo, revision = 'main' } = name;
  const what = shown(name);
  const page = type === 'dataset' ? `datasets/${repo}` : repo;
  const fetch = boundedFetch('object', { settings, signal, what, page });
  const common = { name: repo, revision, hubUrl: settings.endpoint, fetch };
  const info = await (type === 'dataset'
    ? datasetInfo({ ...common, additionalFields: ['sha'] })
    : modelInfo({ ...common, additionalFields: ['sha'] }));
  if (isCommit(info.sha)) return info.sha;
  throw new HubNotFound(`${what}: the hub names no commit for it`);
}

/** Without its file selection: the repository and the revision. */
function shown(name: HubName): string {
  return formatHubName({ ...name, path: '' });
}
