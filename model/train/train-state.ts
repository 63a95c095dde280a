// The state of a training run on disk: variables, moments and the losses so far, replaced as a whole by a rename.
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { writing } from '../../formats/files/writing.ts';
import { createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';

const kind = 'training';
const fileName = 'training.arrow';
const lossesName = 'losses';

type Variables = ReadonlyMap<string, tf.Variable>;

/** Saves the state after `losses.length` steps in `folder`; a kill at any moment leaves the old state or the new one. */
export async function saveTraining(
  folder: string,
  variables: Variables,
  moments: Variables,
  losses: readonly number[],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, fileName);
  await writing(await createCheckpoint(`${path}.new`, { kind }), async (writer) => {
    for (const [name, variable] of entriesOf(variables, moments)) {
      const values = (await variable.data()) as Float32Array;
      await writer.write(name, 'F32', variable.shape, fromFloat32('F32', values));
    }
    const history = Float64Array.from(losses);
    await writer.write(lossesName, 'F64', [history.length], new Uint8Array(history.buffer));
  });
  await rename(`${path}.new`, path);
}

/** Loads the state in `folder` into the variables and returns the losses of the steps done; [] where nothing was saved. */
export async function restoreTraining(folder: string, variables: Variables, moments: Variables): Promise<number[]> {
  const path = join(folder, fileName);
  if (!(await stat(path).catch(() => undefined))) return [];
  const reader = await openCheckpoint(path);
  try {
    for (const [name, variable] of entriesOf(variables, moments)) {
      const found = reader.tensors.get(name);
      if (reader.metadata.kind !== kind || found?.shape.join() !== variable.shape.join()) {
        throw new UserError(
          `saved training '${path}' belongs to another run (tensor '${name}' differs); delete it to start anew`,
        );
      }
      const values = await reader.readFloat32(name);
      tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32')));
    }
    const history = (await reader.readBytes(lossesName)).slice();
    return [...new Float64Array(history.buffer)];
  } finally {
    await reader.close();
  }
}

function entriesOf(variables: Variables, moments: Variables): [string, tf.Variable][] {
  return [...[...variables].map(([name, v]): [string, tf.Variable] => [`variable/${name}`, v]), ...moments];
}
