// Git LFS pointers: what lies in the place of a large file where a repository was cloned without its large files.

/** By the specification a pointer is smaller than this. */
export const largestPointer = 1024;

/** A clause that says what the bytes are, where they are a pointer. */
export function lfsPointer(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder().decode(bytes.subarray(0, largestPointer));
  if (!text.startsWith('version https://git-lfs.github.com/spec/')) return undefined;
  const size = /^size (\d{1,15})$/m.exec(text)?.[1];
  const whole = size === undefined ? 'the file itself' : `the file itself of ${size} bytes`;
  return `is a Git LFS pointer, expected ${whole}: run 'git lfs pull' where it was cloned, or download it`;
}
