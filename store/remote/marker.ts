// What says that a place is a shared store, and of which version.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { Bucket } from './bucket.ts';
import { markerName } from './names.ts';

const format = 'lamina-shared-store';
const version = 1;
const most_bytes = 4096;

/** The marker as it is written. */
export const markerText = `${JSON.stringify({ format, version }, undefined, 1)}\n`;

/** What lamina gives a shared store beside the marker; the last two are names that others give too. */
const ownNames = new Set(['cas', 'ac', 'ac-alt', 'leases', 'holders', 'probes', 'runs', 'logs']);
const commonNames = new Set(['runs', 'logs']);
/** What file systems and their tools put into a folder that is empty for people. */
const systemNames = /^(?:lost\+found|\.snapshots?|\.nfs\w+|\.DS_Store)$/;

/**
 * Whether the place has been written to. Throws UserError where it is something else, or of a later version. One that has lost its marker is a
 * shared store by all else that lies there.
 */
export async function checkMarker(bucket: Bucket): Promise<boolean> {
  const bytes = await bucket.read(markerName, most_bytes);
  if (bytes !== undefined) check(bytes.toString('utf8'), bucket.name);
  else refuseOther(await bucket.top(), bucket.name);
  return bytes !== undefined;
}

/** Another machine may have written the marker since it was looked for. */
function refuseOther(all: readonly string[], place: string): void {
  const names = all.filter((name) => !systemNames.test(name));
  if (names.length === 0 || names.includes(markerName)) return;
  if (names.includes('store.json'))
    throw new UserError(`'${place}' is the local store of a project: name another folder with --remote`);
  const stranger = names.find((name) => !ownNames.has(name));
  if (stranger === undefined && names.some((name) => !commonNames.has(name))) return;
  throw new UserError(
    `'${place}' is neither empty nor a shared store (it holds '${stranger ?? names[0]}'): name a place of its own with --remote, such as '${place}/lamina'`,
  );
}

function check(text: string, place: string): void {
  const value = parse(text);
  if (!isObject(value) || value.format !== format) {
    throw new UserError(
      `'${markerName}' in '${place}' is not that of a shared store: name another place with --remote`,
    );
  }
  if (value.version === version) return;
  throw new UserError(
    `'${place}' is a shared store of version ${JSON.stringify(value.version)}, expected ${version}: use the lamina that wrote it`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
