// The exit description that a stage is given.
import type { InputFiles } from '../../contract/stage.ts';
import { checkClassifiers, readExit } from '../../model/checkpoint/exit-file.ts';
import type { EarlyExit } from '../../model/exits/exit-rule.ts';
import type { Model } from '../../model/forward/model.ts';

/** The description in `input`, of all its units, whole: every exit that asks a classifier has one. Throws UserError. */
export async function exitOf(input: InputFiles, model: Pick<Model, 'config' | 'recovery'>): Promise<EarlyExit> {
  const exit = await readExit(Object.values(input.files), model);
  checkClassifiers(exit);
  return exit;
}
