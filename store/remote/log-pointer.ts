// What a shared store says of an attempt's log: the log itself is an artifact there, which the keys of a group have in common.
import { parseJson } from '../../formats/text/strict-json.ts';
import { UserError } from '../../util/errors.ts';
import { fields, index, misshape, oneOf, type Shape, text } from '../../util/shape.ts';
import { type BlobRef, isDigest } from '../digest.ts';

export interface LogPointer extends BlobRef {
  /** When something was last written, UTC, ISO 8601, by the clock of whoever ran it. */
  written: string;
}

interface Kept extends LogPointer {
  format: 'lamina-log';
  version: number;
}

const shape: Shape<Kept> = fields({
  format: oneOf('lamina-log'),
  version: index,
  written: text,
  digest: text,
  size: index,
});

/** A log is bounded when its attempt ends, to 4 MiB. */
export const largestLog_bytes = 2 ** 23;

export function pointerText(pointer: LogPointer): string {
  const { written, digest, size } = pointer;
  return `${JSON.stringify({ format: 'lamina-log', version: 1, written, digest, size })}\n`;
}

/** Undefined for what this lamina did not write, or does not know. */
export function parsePointer(bytes: Buffer): LogPointer | undefined {
  try {
    const value = parseJson(bytes.toString('utf8'), 'a log');
    if (misshape(shape, value) !== undefined) return undefined;
    const { version, written, digest, size } = value as unknown as Kept;
    const isKnown = version === 1 && isDigest(digest) && size >= 0 && size <= largestLog_bytes;
    return isKnown && !Number.isNaN(Date.parse(written)) ? { written, digest, size } : undefined;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
