// The conformance suite on `--provider webgpu`, where there is a Vulkan driver (Mesa's lavapipe computes on the CPU; see tensor/README.md).
import { it } from 'vitest';
import { conformance } from './conformance.ts';
import { unusable } from './usable.ts';

const options = { backend: 'onnx', provider: 'webgpu' } as const;
const reason = unusable(options);
if (reason === undefined) {
  conformance('webgpu', options);
} else {
  console.warn(`skipped: conformance on webgpu: ${reason}`);
  it.skip(`webgpu is not usable here: ${reason}`);
}
