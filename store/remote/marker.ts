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

/** Whether the place has been written to. Throws UserError where it is something else, or of a later version. */
export async function checkMarker(bucket: Bucket): Promise<boolean> {
  const bytes = await bucket.read(markerName, most_bytes);
  if (bytes !== undefined) check(bytes.toString('utf8'), bucket.name);
  else if ((await bucket.size('store.json')) !== undefined) {
    throw new UserError(`'${bucket.name}' is the local store of a project: name another folder with --remote`);
  }
  return bytes !== undefined;
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
