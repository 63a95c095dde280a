// How long the bytes of a file are believed without being read: the one policy for artifacts and for the user's files.

/**
 * Files up to this size are read at every use: that takes some 20 ms at most, a twentieth of what a worker takes to start. Larger ones
 * are believed for `days` after they were read on this host, as long as nothing that the file system says of them has changed.
 */
export const smallBytes = 16 * 1024 * 1024;

const days = 7;
const day_ms = 86_400_000;

export interface Trust {
  small_bytes: number;
  longest_ms: number;
}

export const usualTrust: Trust = { small_bytes: smallBytes, longest_ms: days * day_ms };

/** True when something read at `read_ms` need not be read again at `now_ms`. A time that lies ahead is no time. */
export function isRecent(read_ms: number, now_ms: number, { longest_ms }: Trust): boolean {
  return read_ms <= now_ms && now_ms - read_ms <= longest_ms;
}
