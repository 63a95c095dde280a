// What the record of a recovery says of it, for planning and for people.
import type { RecoveryFacts } from '../../contract/facts.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { recoveryParameters } from '../../model/sharing/ratios.ts';
import { dropsMlp, formatReplacements, type Replacement } from '../../model/sharing/replacement.ts';

/** Facts of a recovery for a model of `config`: the map as text, MLPs that are not stored, recovery parameters. */
export function recoveryFacts(config: ModelConfig, replacements: readonly Replacement[]): RecoveryFacts {
  return {
    map: formatReplacements(replacements),
    targets: replacements.filter(dropsMlp).length,
    recovery_parameters: recoveryParameters({ config, replacements }),
  };
}
