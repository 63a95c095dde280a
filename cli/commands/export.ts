// `lamina export`: a model in the form that another program reads, by one run of the stage `export`.
import { join, relative } from 'node:path';
import { warningsOf } from '../../report/result/warnings.ts';
import type { RunOutcome } from '../../runner/run/outcome.ts';
import { inspect } from '../../runner/survey/inspect.ts';
import { UserError } from '../../util/errors.ts';
import { copyItems } from '../artifacts/copy-items.ts';
import { modelFiles } from '../artifacts/model-files.ts';
import { namedModel, refuseSpecWords } from '../artifacts/model-name.ts';
import { modelLabel } from '../artifacts/pick-model.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { ExportFlags, PlanFlags } from '../common/flags.ts';
import { numericsOf } from '../common/plan-request.ts';
import { openToFetch } from '../common/remote.ts';
import { planCommand, shellWord } from '../common/spec-name.ts';
import { listenForStop } from '../common/stop-signals.ts';
import { Warnings } from '../common/warnings.ts';
import { exportParameters } from '../export/parameters.ts';
import { type ExportOrder, exportId, planOfModel, planOfPart, stageNamed } from '../export/plan.ts';
import { checkTarget, Target } from '../export/target.ts';
import { type Exported, exportedJson, exportedText } from '../export/text.ts';
import { execute } from '../runs/execute.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { failureLines, stoppedText } from '../runs/run-text.ts';

type Part = string | undefined;

/** Writes the files into the folder, whole or not at all, and prints them. Exit code 0, 1 where the stage failed, 130 where it was stopped. */
export async function exportModel(
  [name, part]: [string, Part],
  given: Omit<ExportFlags, 'force'>,
  context: Context,
): Promise<number> {
  const flags: ExportFlags = { ...given, force: [] };
  checkTarget(flags.to, flags.store);
  const wanted = await wantedExport(name, part, flags, context);
  const run = { ...flags, tag: [], control: false };
  const quiet = { opened() {}, began() {}, killed() {} };
  const { plan } = wanted;
  const { outcome, close } = await execute(plan, run, context, quiet, new Warnings(plan));
  try {
    return await carriedOut(wanted, outcome, flags, context);
  } finally {
    close();
  }
}

/** Puts what the run made into its place while the store still says that it is needed, and tells of it. */
async function carriedOut(
  wanted: WantedExport,
  outcome: RunOutcome,
  flags: ExportFlags,
  context: Context,
): Promise<number> {
  const { out, err } = context.terminal;
  if (outcome.status === 'cancelled') {
    err.write(stoppedText(outcome, flags.store, context.argv, err));
    return exitCodes.stopped;
  }
  err.write(failureLines(outcome, err));
  if (outcome.status === 'failed') return exitCodes.failed;
  const files = await filled(wanted, flags, context);
  if (files === undefined) return exitCodes.stopped;
  const exported: Exported = {
    model: wanted.label,
    params: wanted.order.params,
    to: flags.to,
    files,
    cached: outcome.nodes.get(exportId)?.units.every(({ status }) => status === 'cached') ?? false,
    warnings: warningsOf(wanted.plan, outcome).map(({ stage, message }) => `stage '${stage}': ${message}`),
  };
  out.write(flags.json ? exportedJson(exported) : exportedText(exported));
  return exitCodes.done;
}

interface WantedExport {
  plan: ReturnType<typeof planOfModel>;
  order: ExportOrder;
  label: string;
}

async function wantedExport(name: string, part: Part, flags: ExportFlags, context: Context): Promise<WantedExport> {
  const registry = await context.registry();
  const orderFor = (given: PlanFlags): ExportOrder => {
    const numerics = numericsOf(given);
    return {
      params: exportParameters({ ...flags }, numerics.threads, stageNamed(registry, 'export')),
      numerics,
      registry,
    };
  };
  const named = namedModel(name);
  if (named.kind === 'spec') return wantedOfSpec(name, part, flags, orderFor, context);
  refuseSpecWords(name, part, flags);
  if (named.kind === 'checkpoint') {
    throw new UserError(`'${name}' is a checkpoint out of a store: name the spec and the stage that made it`);
  }
  const order = orderFor(flags);
  return { plan: planOfModel(name, named, order), order, label: name };
}

/** Throws UserError, with the command that makes it, where the model has not been made yet. */
async function wantedOfSpec(
  name: string,
  part: Part,
  flags: ExportFlags,
  orderFor: (flags: PlanFlags) => ExportOrder,
  context: Context,
): Promise<WantedExport> {
  const { registry } = orderFor(flags); // a mistake in the parameters is told first
  const { spec, flags: asked, plan: whole, changed } = await wantedPlan(name, flags, registry);
  if (changed !== undefined) throw new UserError(`${changed}: its models cannot be found by it`);
  const order = orderFor(asked);
  const { plan, pick } = planOfPart(whole, part, name, order);
  const store = await openToFetch(flags.store, flags, context);
  try {
    const { items } = await inspect(plan, registry, store);
    const first = planCommand('run', spec, asked);
    const again = (stage: string) => planCommand('run', spec, asked, '--force', stage);
    await modelFiles(pick, { items, registry, store, first, again });
  } finally {
    store.close();
  }
  return { plan, order, label: modelLabel(pick) };
}

/** The files in their place; undefined where it was stopped, and then nothing is there. */
async function filled(
  { plan, order }: WantedExport,
  flags: ExportFlags,
  context: Context,
): Promise<string[] | undefined> {
  const { registry } = order;
  const store = await openToFetch(flags.store, flags, context);
  const target = new Target(flags.to);
  const stop = listenForStop(
    () => {},
    () => target.drop(),
  );
  try {
    const items = (await inspect(plan, registry, store)).items.filter(({ node }) => node.id === exportId);
    const again = `lamina ${context.argv.map(shellWord).join(' ')}`;
    const copying = { to: target.unfinished, first: again, again: () => again, registry, signal: stop.signal };
    const files = await copyItems(items, store, copying);
    stop.signal.throwIfAborted();
    target.finish();
    return files.map((path) => join(flags.to, relative(target.unfinished, path)));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return undefined;
  } finally {
    target.drop();
    stop.dispose();
    store.close();
  }
}
