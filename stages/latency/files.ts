// Lays an exported model out as ONNX Runtime wants it: model.onnx and its data side by side, under their own names.
import { constants } from 'node:fs';
import { copyFile, link, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StageInput } from '../../contract/stage.ts';
import { hasCode } from '../../util/errors.ts';
import { onlyFile } from '../common/model-input.ts';

const linkRefusals = ['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'];

/** A model that can be opened. */
export interface PlacedModel {
  /** Its file model.onnx. */
  readonly path: string;
  /** Bytes of the files that are loaded. */
  readonly size_bytes: number;
}

/** Hard links to the model's files in `folder`, which is made anew: ONNX Runtime refuses data elsewhere, and symbolic links. */
export async function placeModel(
  folder: string,
  model: StageInput,
  data: StageInput | undefined,
): Promise<PlacedModel> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'model.onnx');
  await linkOrCopy(onlyFile(model), path);
  const sizes = [(await stat(path)).size];
  if (data !== undefined && Object.keys(data.files).length > 0) {
    await linkOrCopy(onlyFile(data), `${path}.data`);
    sizes.push((await stat(`${path}.data`)).size);
  }
  return { path, size_bytes: sizes.reduce((a, b) => a + b) };
}

/** A copy where the two places are on different disks, or the disk knows no hard links. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!linkRefusals.some((code) => hasCode(error, code))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
