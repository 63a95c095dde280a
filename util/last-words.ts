// How a process ended, and what it said last, in words.

const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** `ended with exit code 3`, `crashed (SIGSEGV)`; `words` is what it wrote, of which the telling line is added. */
export function endOf(code: number | null, signal: NodeJS.Signals | null, words: string): string {
  const how =
    signal === null ? `ended with exit code ${code}` : `${signal === 'SIGKILL' ? 'was killed' : 'crashed'} (${signal})`;
  const telling = tellingLine(words);
  return telling === undefined ? how : `${how}, saying: ${telling}`;
}

/** The first line that speaks of an error, or the last one; undefined where there is none. */
export function tellingLine(words: string): string | undefined {
  const lines = linesOf(words);
  return lines.find((line) => /error|exception|terminate|fatal/i.test(line)) ?? lines.at(-1);
}

/** The lines of what a process wrote, without colours, empty ones and the stacks that Node adds to an abort. */
export function linesOf(words: string): string[] {
  const [own = ''] = words.replace(colours, '').split(/^----- (?:Native|JavaScript) stack trace -----/m);
  return own
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Shared libraries that the dynamic linker did not find, by its words: `libvulkan.so.1`. */
export function missingLibraries(words: string): string[] {
  const found = words.matchAll(/([\w+.-]+\.so[\w.]*): cannot open shared object file/g);
  return [...new Set([...found].map(([, name = '']) => name))];
}
