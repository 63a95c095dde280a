// Where the value of --remote becomes a tier behind a local store.
import type { LocalStore } from '../store.ts';
import { parseAddress } from './address.ts';
import type { Bucket, Patience } from './bucket.ts';
import { bucketSettings, type Environment } from './credentials.ts';
import { folderBucket } from './folder-bucket.ts';
import { Link } from './link.ts';
import { RunsThere } from './runs-there.ts';
import { s3Bucket } from './s3-bucket.ts';
import { type SharedOptions, SharedStore } from './shared-store.ts';

/** A few seconds of trouble are waited out, a minute without an answer is not; AWS_MAX_ATTEMPTS is heard. */
export const usualPatience: Omit<Patience, 'signal'> = { tries: 5, retry_ms: 250, stall_ms: 20_000 };

/** Opens what an address names; nothing is asked of it yet. Throws UserError for an address, settings or credentials that cannot be right. */
export function openBucket(address: string, signal: AbortSignal, env: Environment = process.env): Bucket {
  const place = parseAddress(address);
  const patience = { ...usualPatience, signal };
  if (place.kind === 'folder') return folderBucket(place.folder, patience);
  const settings = bucketSettings(place, env);
  return s3Bucket(place, settings, { ...patience, tries: settings.tries ?? patience.tries });
}

/** Puts the place at `address` behind a local store. Throws as {@link openBucket}. */
export function openShared(local: LocalStore, address: string, options: Omit<SharedOptions, 'bucket'>): SharedStore {
  return new SharedStore(local, { ...options, bucket: openBucket(address, options.signal) });
}

/** The runs and logs of the place at `address`, to read. Throws as {@link openBucket}. */
export function openRunsThere(
  address: string,
  { say, signal, required = false }: Omit<SharedOptions, 'bucket'>,
): RunsThere {
  return new RunsThere(new Link({ bucket: openBucket(address, signal), readOnly: true, required, say, signal }), say);
}
