// Whether a model's weights fit into this machine's memory: asked of the files' headers, before a weight is read.
import { openGguf } from '../../formats/tensors/gguf-reader.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { machineMemory } from '../../runner/executor/this-machine.ts';
import { formatBytes } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import type { FoundModel } from './model.ts';

/** Bytes of a number while it is computed with. */
const float = 4;

/** Throws a UserError when the weights of the model, in `files` (one checkpoint, or safetensors or GGUF files), take more than `memory_bytes` as float32, each stored tensor once. */
export async function refuseTooLarge(
  { kind, label }: Pick<FoundModel, 'kind' | 'label'>,
  files: readonly string[],
  memory_bytes = machineMemory(),
): Promise<void> {
  let needed = 0;
  for (const file of files) needed += float * (await elementsIn(file, kind === 'files'));
  if (needed <= memory_bytes) return;
  throw new UserError(
    `the weights of '${label}' take ${formatBytes(needed)} in float32, and this machine has ${formatBytes(memory_bytes)} of memory: choose a smaller model`,
  );
}

async function elementsIn(file: string, isCheckpoint: boolean): Promise<number> {
  const open = isCheckpoint ? openStored : file.endsWith('.gguf') ? openGguf : openSafetensors;
  const reader = await open(file);
  try {
    const storedAs = (name: string) => ('storedAs' in reader ? reader.storedAs(name) : name);
    const sizes = new Map([...reader.tensors].map(([name, { shape }]) => [storedAs(name), elements(shape)]));
    return [...sizes.values()].reduce((sum, size) => sum + size, 0);
  } finally {
    await reader.close();
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}
