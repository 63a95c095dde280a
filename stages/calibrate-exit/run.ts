// The work of calibrate-exit: read what was lost at each threshold, test, and write the description that is left.
import { readFile, writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { readExitFiles, writeExit } from '../../model/checkpoint/exit-file.ts';
import { cheapest, passingThresholds, type TriedThreshold } from '../../model/exits/calibrate.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { calibrateExit, risks } from './declare.ts';

type Context = ContextOf<typeof calibrateExit>;

export async function chooseThreshold({ params, inputs, warn, units: [unit] }: Context): Promise<void> {
  const exit = await readExitFiles(Object.values(inputs.exit.files));
  const tried: (TriedThreshold & { saved: number })[] = [];
  for (const path of Object.values(inputs.risks.files)) tried.push(await readTried(path, params.risk));
  const passed = passingThresholds(tried, params);
  const chosen = cheapest(passed);
  const { exits } = exit.rule;
  if (chosen === undefined) {
    warn(
      `no threshold keeps the risk at ${params.delta} with probability ${1 - params.epsilon}, so that all layers are run: try higher thresholds, more records or a larger delta`,
    );
  }
  const rule = chosen === undefined ? { ...exit.rule, exits: [] } : { ...exit.rule, threshold: chosen.threshold };
  await writeExit(unit.outputs.exit, { rule, classifiers: exit.classifiers });
  const saved = tried.find(({ threshold }) => threshold === chosen?.threshold)?.saved ?? 0;
  const metrics = {
    threshold: chosen?.threshold ?? 1,
    risk: chosen?.risk ?? 0,
    p: chosen?.p ?? 0,
    saved,
    passed: passed.length,
    tried: tried.length,
    records: tried[0]?.losses.length ?? 0,
    tests: passed.map(({ threshold, risk, p }) => ({ threshold, risk, p })),
  };
  await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
  await unit.done({ exits: chosen === undefined ? [] : exits, confidence: rule.confidence });
}

/** What exit-risk says of one threshold; checked, since anybody may have made the file. */
async function readTried(path: string, risk: (typeof risks)[number]): Promise<TriedThreshold & { saved: number }> {
  const json = parseStrictJson(await readFile(path, 'utf8'), `'${path}'`, 4);
  const { threshold, operations_per_token: operations, saved, losses } = isObject(json) ? json : {};
  const values = isObject(losses) ? losses[risk] : undefined;
  const isTried = [threshold, operations, saved].every((each) => typeof each === 'number');
  if (isTried && Array.isArray(values) && values.length > 0 && values.every(isLoss)) {
    return { threshold: threshold as number, operations: operations as number, saved: saved as number, losses: values };
  }
  throw new UserError(`'${path}': expected the metrics of stage 'exit-risk' with losses '${risk}' from 0 to 1`);
}

function isLoss(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}
