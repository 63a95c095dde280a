// What helps where a backend or a provider cannot be used.
import type { Provider } from '../graph/runtime.ts';

const ofProvider: Record<Provider, string> = {
  cpu: `reinstall with 'npm ci'`,
  cuda: `it needs the driver of an NVIDIA GPU, and libraries that 'lamina doctor --install cuda' installs, or leave out --provider`,
  webgpu: `it needs a Vulkan driver, see 'vulkaninfo --summary', or leave out --provider`,
};

/** For a provider of the backend `onnx`. */
export function providerHelp(provider: Provider): string {
  return ofProvider[provider];
}

/** For TensorFlow's package that is there and does not work. */
export const bindingHelp = "'lamina doctor --install tensorflow' installs one that loads";
