// What the record of a recovery says of it, for planning and for people.
import type { LlamaConfig } from '../model/config.ts';
import { recoveryParameters } from '../model/ratios.ts';
import { dropsMlp, formatReplacements, type Replacement } from '../model/replacement.ts';
import type { Facts } from '../spec/stage.ts';

/** Facts of a recovery for a model of `config`: the map as text, MLPs that are not stored, recovery parameters. */
export function recoveryFacts(config: LlamaConfig, replacements: readonly Replacement[]): Facts {
  return {
    map: formatReplacements(replacements),
    targets: replacements.filter(dropsMlp).length,
    recovery_parameters: recoveryParameters({ config, replacements }),
  };
}
