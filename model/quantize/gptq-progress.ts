// How far a GPTQ pass has come, on disk: the matrices that are rounded, and the windows behind their last layer.
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writing } from '../../formats/files/writing.ts';
import { type CheckpointReader, createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelCheckpoint } from '../checkpoint/checkpoint.ts';
import { type Codec, type Parts, partShapes } from '../codec/quantize-codec.ts';
import type { QuantizePlan } from './plan.ts';

const kind = 'gptq';
const statesName = 'states.arrow';

/** Hidden states [rows, D] of each batch of windows. */
export type States = readonly { readonly shape: readonly number[]; readonly values: Float32Array }[];

/** A pass's saved work; made by {@link openProgress}. */
export interface GptqProgress {
  /** The last layer that is done (from 1; 0: none), and the windows behind it. */
  readonly layer: number;
  readonly states: States;
  /** A matrix that was rounded up to that layer. */
  parts(name: string): Promise<Parts | undefined>;
  /** Adds the matrices of the layers up to `layer`; a kill at any moment leaves the state before or after. */
  save(layer: number, matrices: ReadonlyMap<string, Parts>, states: States): Promise<void>;
  close(): Promise<void>;
}

/** Opens what was saved in `folder`, or nothing. */
export async function openProgress(
  folder: string,
  { tensors }: Pick<ModelCheckpoint, 'tensors'>,
  { codecs }: Pick<QuantizePlan, 'codecs'>,
): Promise<GptqProgress> {
  await mkdir(folder, { recursive: true });
  const { files, layer, states } = await restore(join(folder, statesName));
  const readers = new Map<string, CheckpointReader>();
  const shapesOf = (name: string) => partShapes(codecs.get(name) as Codec, tensors.get(name)?.shape ?? []);
  for (const file of files) {
    const reader = await openCheckpoint(join(folder, file));
    for (const name of reader.metadata.names?.split(' ') ?? []) readers.set(name, reader);
  }
  return {
    layer,
    states,
    async parts(name) {
      const reader = readers.get(name);
      if (reader === undefined) return undefined;
      const parts = new Map<string, Uint8Array>();
      for (const part of shapesOf(name).keys()) parts.set(part, await reader.readBytes(`${name}.${part}`));
      return parts;
    },
    async save(upTo, matrices, after) {
      const file = `layer-${upTo}.arrow`;
      await writeAtOnce(join(folder, file), { kind, names: [...matrices.keys()].join(' ') }, async (write) => {
        for (const [name, parts] of matrices) {
          for (const [part, { dtype, shape }] of shapesOf(name)) {
            await write(`${name}.${part}`, dtype, shape, parts.get(part) as Uint8Array);
          }
        }
      });
      files.push(file);
      await writeAtOnce(
        join(folder, statesName),
        { kind, layer: String(upTo), files: files.join(' ') },
        async (write) => {
          for (const [i, { shape, values }] of after.entries())
            await write(String(i), 'F32', shape, fromFloat32('F32', values));
        },
      );
    },
    async close() {
      for (const reader of new Set(readers.values())) await reader.close();
    },
  };
}

async function restore(path: string): Promise<{ files: string[]; layer: number; states: States }> {
  if (!(await stat(path).catch(() => undefined))) return { files: [], layer: 0, states: [] };
  const reader = await openCheckpoint(path);
  try {
    const { metadata, tensors } = reader;
    if (metadata.kind !== kind) {
      throw new UserError(`saved work '${path}' is not that of GPTQ; delete it to start anew`);
    }
    const states: { shape: readonly number[]; values: Float32Array }[] = [];
    for (const [name, { shape }] of tensors) states.push({ shape, values: await reader.readFloat32(name) });
    return { files: metadata.files?.split(' ') ?? [], layer: Number(metadata.layer), states };
  } finally {
    await reader.close();
  }
}

type Write = Awaited<ReturnType<typeof createCheckpoint>>['write'];

async function writeAtOnce(
  path: string,
  metadata: Readonly<Record<string, string>>,
  fill: (write: Write) => Promise<void>,
): Promise<void> {
  await writing(await createCheckpoint(`${path}.new`, metadata), (writer) => fill(writer.write));
  await rename(`${path}.new`, path);
}
