// Renders committed outcomes again, from their own cells and the plans of their specs: after a change of how results are written. Numbers,
// keys and digests stay what they are; `npm run build && node .ci/render-results.mjs results/NAME/PROFILE ...`.
import { basename } from 'node:path';
import { readOutcome } from '../dist/cli/result/outcome-folder.js';
import { writeOutcome } from '../dist/cli/result/write-outcome.js';
import { evaluateClaims } from '../dist/report/result/claims.js';
import { loadPlan } from '../dist/spec/plan/resolve.js';
import { stageRegistry } from '../dist/stages/registry.js';

const request = {
  set: [],
  only: [],
  force: [],
  numerics: { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 },
};

for (const folder of process.argv.slice(2)) {
  const outcome = readOutcome(folder);
  const asked = { ...request, file: outcome.spec, profile: basename(folder), cwd: process.cwd() };
  const plan = await loadPlan(asked, stageRegistry);
  const names = (cells) => cells.map(({ name }) => name).join('\n');
  if (names(plan.cells) !== names(outcome.cells)) throw new Error(`${folder}: the spec has other cells by now`);
  const { experiment, title, profile, axes, table, notes, cell_notes, figures } = plan;
  const { spec, provenance, warnings, run, summary, overrides, copies, timings } = outcome;
  const cells = outcome.cells.map(({ axes, name, beside, ...number }) => ({ axes, name, beside, ...number }));
  const claims = evaluateClaims(plan, cells);
  const where = { experiment, title, spec, profile, ...(copies && { copies }) };
  const named = { ...where, cells, claims, axes, table, notes, cell_notes, figures, warnings };
  await writeOutcome({ ...named, provenance, run, summary, overrides, timings });
}
