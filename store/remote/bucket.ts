// What a tier elsewhere has to be able to do, whatever it is: objects under names, read whole or in part, written once or over.
import { UserError } from '../../util/errors.ts';
import type { BlobRef } from '../digest.ts';

/** `unless-there` fails where there is one already, if the place can do that at all (see probe.ts). */
export type Writing = 'always' | 'unless-there';

/** Objects by name. All methods but the waiting between tries reject with {@link RemoteError} when the place does not do what it should. */
export interface Bucket {
  /** As people write it; it holds no secret. */
  readonly name: string;
  /** What it is among all places: the name with the server that it is at. It holds no secret. */
  readonly place: string;
  /** Where more names than these are asked for at once, a listing is cheaper or more true. */
  readonly mostAsked: number;
  /** A small object; undefined when there is none. */
  read(name: string, most_bytes: number): Promise<Buffer | undefined>;
  /** The size of an object in bytes; undefined when there is none. */
  size(name: string): Promise<number | undefined>;
  /** The names below `folder` (which ends with a slash), from the bucket's top. */
  list(folder: string): Promise<readonly string[]>;
  /** The first names at the top, of objects and of folders, these without a slash; none where it is empty. */
  top(): Promise<readonly string[]>;
  /** Writes a small object whole or not at all. `there`: it was left as it is. */
  write(name: string, bytes: Uint8Array, writing: Writing): Promise<'written' | 'there'>;
  /** Writes a file of any size; one that was broken off is gone on with. Rejects with {@link WrongBytes} when the file's are not those of `ref`. */
  upload(name: string, path: string, ref: BlobRef): Promise<void>;
  /** Gives an object to `sink`, from what it has already on to no more than `most_bytes`; false when there is none. */
  download(name: string, sink: Sink, most_bytes: number): Promise<boolean>;
  remove(name: string): Promise<void>;
}

/** Where the bytes of an object go to. */
export interface Sink {
  /** So many bytes it has: the next ones follow. */
  readonly length: number;
  write(bytes: Uint8Array): Promise<void>;
}

/** How a bucket is spoken to. */
export interface Patience {
  /** How often a request is made before it counts as failed. */
  tries: number;
  /** The pause before the second try; each further one is twice as long. */
  retry_ms: number;
  /** Without an answer, or a byte of one, for so long a try has failed. */
  stall_ms: number;
  /** Ends whatever is under way. */
  signal: AbortSignal;
}

/**
 * `unreachable`: it may work later. `refused`: not with these credentials or permissions. `unable`: the place does not know how. `wrong`: the
 * address or the settings.
 */
export type RemoteTrouble = 'unreachable' | 'refused' | 'unable' | 'wrong';

/** The place did not do what it was asked to. The message says which place and why, and holds nothing secret. */
export class RemoteError extends UserError {
  override readonly name = 'RemoteError';
  readonly trouble: RemoteTrouble;

  constructor(trouble: RemoteTrouble, message: string, cause?: unknown) {
    super(message, { cause });
    this.trouble = trouble;
  }
}

/** A file that was to be written elsewhere is not what its name says. */
export class WrongBytes extends UserError {
  override readonly name = 'WrongBytes';
}
