// What stands in for parts of the model already, for stages that put something beside it.
import type { StageInput } from '../../contract/stage.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import type { Recovery } from '../../model/sharing/recovery.ts';

/** The recovery that came in, of all its units; nothing where there is none. The caller frees it. */
export async function incomingRecovery(input: StageInput | undefined, config: ModelConfig): Promise<Recovery> {
  if (input === undefined) return { replacements: [], parameters: new Map() };
  return readRecovery(Object.values(input.files), config);
}
