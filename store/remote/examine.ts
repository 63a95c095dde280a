// What a shared store can do, by trying.
import { parseAddress } from './address.ts';
import { RemoteError } from './bucket.ts';
import { bucketSettings } from './credentials.ts';
import { checkMarker } from './marker.ts';
import { openBucket } from './open-shared.ts';
import { type Conditions, probeConditions } from './probe.ts';
import { S3Bucket } from './s3-bucket.ts';

export interface Examined {
  used: boolean;
  unwritable: string | null;
  conditions: Conditions | null;
  credentials: string | null;
  skew_ms: number;
}

/** Throws UserError where the place cannot be used at all. With `readOnly` nothing is written. */
export async function examine(address: string, signal: AbortSignal, readOnly: boolean): Promise<Examined> {
  const place = parseAddress(address);
  const credentials = place.kind === 's3' ? (bucketSettings(place).source ?? null) : null;
  const bucket = openBucket(address, signal);
  const used = await checkMarker(bucket);
  let [unwritable, conditions]: [string | null, Conditions | null] = [null, null];
  try {
    if (!readOnly) conditions = await probeConditions(bucket);
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    unwritable = error.message;
  }
  return { used, unwritable, conditions, credentials, skew_ms: bucket instanceof S3Bucket ? bucket.skew_ms : 0 };
}
