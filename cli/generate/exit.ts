// When the tokens of `lamina generate` stop early: as the command line says, or as the stage or cell was given.
import { orList } from '../../located/nearest.ts';
import { checkClassifiers, readExit } from '../../model/checkpoint/exit-file.ts';
import { decays, type EarlyExit, propagations } from '../../model/exits/exit-rule.ts';
import type { Model } from '../../model/forward/model.ts';
import type { ExitStep } from '../../model/generate/exit-decoder.ts';
import { type EarlyExitParams, earlyExit, exitRule, untrained } from '../../stages/early-exit/declare.ts';
import { UserError } from '../../util/errors.ts';
import type { FoundModel } from './model.ts';

/** The description that `model` decodes with; none where neither says one. Throws UserError. */
export async function exitOf(
  found: FoundModel,
  text: string | undefined,
  model: Model,
): Promise<EarlyExit | undefined> {
  const exit = text === undefined ? await givenExit(found, model) : writtenExit(text, model);
  if (exit !== undefined) checkClassifiers(exit);
  return exit;
}

async function givenExit(found: FoundModel, model: Model): Promise<EarlyExit | undefined> {
  if (found.kind !== 'files' || found.exit === undefined) return undefined;
  return readExit(found.exit, model);
}

const choices: Readonly<Record<string, readonly string[]>> = {
  confidence: untrained,
  decay: decays,
  propagate: propagations,
};
const wholes = ['first_exit', 'exit_interval', 'min_exit'];
const numbers = ['threshold', 'tau'];
const names = ['exits', ...wholes, ...Object.keys(choices), ...numbers];

/** `exits=4,6,8,threshold=0.9`: a comma before a name begins the next. */
function writtenExit(text: string, model: Model): EarlyExit {
  const params: Record<string, string | number> = {};
  for (const part of text.split(/,(?=\s*[a-z_]+\s*=)/)) {
    const [name = '', value] = part.split('=').map((each) => each.trim());
    if (value === undefined || !names.includes(name)) {
      throw new UserError(
        `--exit: expected NAME=VALUE with one of ${orList(names, names.length)}, got '${part.trim()}'`,
      );
    }
    params[name] = settingOf(name, value);
  }
  const usual = {
    min_exit: 1,
    confidence: 'max_probability',
    threshold: 0.9,
    decay: 'none',
    tau: 4,
    propagate: 'exit',
  };
  const whole = { ...usual, ...params } as EarlyExitParams;
  earlyExit.check?.(whole, new Set());
  return {
    rule: exitRule(whole, model.config.num_hidden_layers, model.recovery?.parallel),
    classifiers: new Map(),
  };
}

function settingOf(name: string, text: string): string | number {
  const known = choices[name];
  if (known !== undefined) {
    if (known.includes(text)) return text;
    throw new UserError(`--exit: '${name}' must be ${orList([...known], known.length)}, got '${text}'`);
  }
  if (name === 'exits') return text;
  const value = Number(text);
  const isRight = text !== '' && (wholes.includes(name) ? Number.isInteger(value) && value >= 1 : value >= 0);
  if (isRight && (name !== 'threshold' || value <= 1)) return value;
  const wanted = wholes.includes(name)
    ? 'a layer from 1'
    : name === 'threshold'
      ? 'a number from 0 to 1'
      : 'a number of at least 0';
  throw new UserError(`--exit: '${name}' must be ${wanted}, got '${text}'`);
}

/** Counts after how many layers tokens stop. */
export function countStops(): { onStep(step: ExitStep): void; text(depth: number): string } {
  let [tokens, layers] = [0, 0];
  return {
    onStep({ rows, layer }) {
      tokens += rows.length;
      layers += rows.length * layer;
    },
    text: (depth) =>
      tokens === 0
        ? 'no token was made that could stop early: the first comes from reading the prompt'
        : `tokens stopped after ${(layers / tokens).toFixed(1)} of ${depth} layers on average`,
  };
}
