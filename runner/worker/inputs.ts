// Reads the inputs of a job over, inside the worker, before the stage sees them.
import { type BlobRef, digestFile } from '../../store/digest.ts';
import { fileIdentity, statOrNone } from '../../store/file-identity.ts';
import { hasCode } from '../../util/errors.ts';
import type { InputsRead, JobArtifact } from '../attempt/protocol.ts';

/** Inputs that are not what the job says; the stage was not begun. */
export class DamagedInputs extends Error {
  readonly damaged: readonly BlobRef[];

  constructor(damaged: readonly BlobRef[]) {
    super(`damaged: ${damaged.map(({ digest }) => `'${digest}'`).join(', ')}`);
    this.damaged = damaged.map(({ digest, size }) => ({ digest, size }));
  }
}

/** Which of the artifacts were read. Throws DamagedInputs with all that are gone or hold other bytes. */
export async function readInputs(artifacts: readonly JobArtifact[], signal: AbortSignal): Promise<InputsRead['read']> {
  const read: InputsRead['read'][number][] = [];
  const damaged: JobArtifact[] = [];
  for (const artifact of artifacts) {
    const identity = identityOf(artifact.path);
    if (identity !== undefined && identity === artifact.known) continue;
    if (identity !== undefined && (await isWhole(artifact, signal))) read.push({ ...refOf(artifact), identity });
    else damaged.push(artifact);
  }
  if (damaged.length > 0) throw new DamagedInputs(damaged);
  return read;
}

function refOf({ digest, size }: JobArtifact): BlobRef {
  return { digest, size };
}

function identityOf(path: string): string | undefined {
  const stats = statOrNone(path);
  return stats === undefined ? undefined : fileIdentity(stats);
}

async function isWhole({ path, digest, size }: JobArtifact, signal: AbortSignal): Promise<boolean> {
  try {
    const found = await digestFile(path, signal);
    return found.digest === digest && found.size === size;
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'EIO'].some((code) => hasCode(error, code))) return false;
    throw error;
  }
}
