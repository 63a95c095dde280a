// The package of ONNX Runtime: its version and where its library lies; loads nothing.
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
const manifest = 'onnxruntime-node/package.json';

/** The version of ONNX Runtime that this process runs on. */
export function runtimeVersion(): string {
  return (require(manifest) as { version: string }).version;
}

/** The folder of ONNX Runtime's own library. */
export function runtimeFolder(): string {
  return join(dirname(require.resolve(manifest)), 'bin/napi-v6', process.platform, process.arch);
}
