import { expect, it } from 'vitest';
import { endOf, linesOf, missingLibraries } from '../../util/last-words.ts';

it('the end of a process is told with the line of its words that tells something', () => {
  expect(endOf(3, null, '')).toBe('ended with exit code 3');
  expect(endOf(null, 'SIGSEGV', '\n  \n')).toBe('crashed (SIGSEGV)');
  expect(endOf(null, 'SIGKILL', 'working\n')).toBe('was killed (SIGKILL), saying: working');
  expect(endOf(1, null, 'start\n  FATAL: no device\nbye\n')).toBe('ended with exit code 1, saying: FATAL: no device');
});

it("colours, empty lines and the stacks of Node's aborts are no words", () => {
  const words = 'one\n\n\x1b[1;31mtwo\x1b[m\n----- Native stack trace -----\n 1: 0xb7a940 node::Abort()\n';
  expect(linesOf(words)).toEqual(['one', 'two']);
});

it('libraries that the linker did not find are named once each', () => {
  // as Dawn and ONNX Runtime 1.30 wrote them
  const words = `Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory
[E] Failed to load library /opt/x/libonnxruntime_providers_shared.so with error: /opt/x/libonnxruntime_providers_shared.so: cannot open shared object file: No such file
Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory`;
  expect(missingLibraries(words)).toEqual(['libvulkan.so.1', 'libonnxruntime_providers_shared.so']);
});
