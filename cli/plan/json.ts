// A plan as JSON: the documented form, with the work of all specs and its estimate.
import type { Plan } from '../../contract/plan.ts';
import type { Estimate } from '../../runner/estimate/estimate.ts';
import type { JointWork } from '../../runner/estimate/work.ts';
import { joinWarnings } from '../common/warnings.ts';

/**
 * `stages`: one entry per stage and cell, or per unit (`unit`) of a stage that has units; with several specs each says its
 * `experiment`. `summary` adds them up. `work` counts units per stage definition; `estimate` is null when nothing is left to run.
 * `warnings`: what stages warn of, each sentence once, with the cells of all specs that it concerns.
 */
export function planJson(plans: readonly Plan[], work: JointWork, estimate: Estimate | undefined) {
  const summary = { hit: 0, run: 0, depends: 0 };
  const stages = work.inspections.flatMap(({ items, counts }, i) => {
    for (const status of ['hit', 'run', 'depends'] as const) summary[status] += counts[status];
    const experiment = plans.length > 1 ? { experiment: plans[i]?.experiment } : {};
    return items.map(({ node, unit, status, key }) => ({
      ...experiment,
      name: node.stage,
      stage: node.use,
      cell: node.cell,
      ...(unit === '' ? {} : { unit }),
      status,
      key,
    }));
  });
  return {
    stages,
    summary,
    work: work.stages,
    estimate: estimate === undefined ? null : estimateJson(estimate),
    absent: work.absent,
    warnings: joinWarnings(plans, work.warned).map(({ warning }) => warning),
  };
}

function estimateJson({ options, stages, total, assumed }: Estimate) {
  const { device, utilisation, record_tokens } = options;
  return { device, utilisation, record_tokens, stages, total, assumed };
}
