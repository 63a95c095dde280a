// Jobs of batch systems that may still run although whoever ordered them is gone: what they need stays, and what the gone ones left can go.
import { type OpenJob, openJobs } from '../attempts.ts';
import { isDigest } from '../digest.ts';
import { blobName } from '../in-use.ts';
import { type Layout, layoutOf } from '../layout.ts';
import type { Lease, LocalStore } from '../store.ts';
import { sweepSubmissions } from '../submissions.ts';
import type { RunNeeds } from './roots.ts';

/** What open jobs need: like a living process keys and artifacts, like a run that has not ended all records of its experiment. */
export function needsOfJobs(layout: Layout): { names: ReadonlySet<string>; runs: readonly RunNeeds[] } {
  const names = new Set<string>();
  const experiments = new Set<string>();
  for (const { attempt, order } of openJobs(layout)) {
    for (const key of attempt.keys) names.add(key);
    for (const blob of blobsIn(order)) names.add(blob);
    if (typeof order.experiment === 'string') experiments.add(order.experiment);
  }
  const runs = [...experiments].map((experiment) => ({
    experiment,
    run: '',
    units: undefined,
    used: new Set<string>(),
  }));
  return { names, runs };
}

/** Jobs for which no process of this machine waits. */
export function leftJobs(store: string): OpenJob[] {
  return openJobs(layoutOf(store)).filter(({ runner }) => runner !== 'alive');
}

/** Removes the attempt of a job that is gone, its state aside; false where somebody works on one of its keys after all. */
export async function giveUp(store: LocalStore, { attempt }: OpenJob): Promise<boolean> {
  const leases: Lease[] = [];
  try {
    for (const key of attempt.keys) {
      const lease = await store.lease(key);
      if (lease === undefined) return false;
      leases.push(lease);
    }
    await store.closeAttempt(attempt);
    sweepSubmissions(layoutOf(store.folder));
    return true;
  } finally {
    for (const lease of leases) lease.release();
  }
}

/** Every artifact that an order names, wherever that stands in it. */
function* blobsIn(value: unknown): Iterable<string> {
  if (typeof value !== 'object' || value === null) return;
  const { digest, size } = value as { digest?: unknown; size?: unknown };
  if (isDigest(digest) && typeof size === 'number') yield blobName({ digest, size });
  for (const each of Object.values(value)) yield* blobsIn(each);
}
