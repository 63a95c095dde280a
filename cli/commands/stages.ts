// `lamina stages`: what stages there are, and what each takes and gives.
import type { StageDefinition } from '../../contract/stage.ts';
import { expectedNames } from '../../located/nearest.ts';
import { textWidth, wrapText } from '../../report/numbers/text-width.ts';
import { ownStages } from '../../spec/plan/own-stages.ts';
import { UserError } from '../../util/errors.ts';
import { alignColumns } from '../common/columns.ts';
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import { parameterTexts } from '../common/schema-text.ts';
import { keyText, portSummary, stagesPage } from '../common/stages-page.ts';

interface StagesFlags {
  json?: boolean;
  markdown?: boolean;
  spec: string[];
}

/** Lists all stages, or describes the named one. */
export async function stages([name]: [string | undefined], flags: StagesFlags, context: Context): Promise<number> {
  const { out } = context.terminal;
  const known = await stagesKnown(flags, context);
  const chosen = name === undefined ? known : [known.find((stage) => stage.name === name) ?? unknownStage(name, known)];
  if (flags.json) out.write(`${JSON.stringify(chosen.map(stageJson), undefined, 2)}\n`);
  else if (flags.markdown) out.write(stagesPage(chosen));
  else if (name === undefined) out.write(stageList(chosen, out.width() ?? 120));
  else out.write(chosen.map((stage) => describeStage(stage, out.width() ?? 120)).join('\n'));
  return exitCodes.done;
}

/** lamina's stages, and those of the user's own in the specs and folders that are named. */
async function stagesKnown({ spec }: StagesFlags, context: Context): Promise<StageDefinition[]> {
  const registry = await context.registry();
  const own = new Set<StageDefinition>();
  const loaded = new Map(registry);
  for (const place of spec) {
    for (const { definition } of await ownStages(place, loaded, process.cwd())) own.add(definition);
  }
  return [...registry.values(), ...own];
}

function unknownStage(name: string, known: readonly StageDefinition[]): never {
  const names = known.map((stage) => stage.name);
  throw new UserError(`unknown stage '${name}'${expectedNames(name, names, 'there are none')}`);
}

function stageList(stages: readonly StageDefinition[], width: number): string {
  const lines = stages.map((stage) => [stage.name, stage.summary]);
  return `${alignColumns(lines, '', width).join('\n')}\n\nlamina stages NAME describes one of them\n`;
}

function stageJson(stage: StageDefinition) {
  const { name, version, summary, reference = null, params, inputs, outputs, numeric, seeded } = stage;
  return {
    name,
    version,
    summary,
    reference,
    inputs,
    outputs,
    params,
    numeric,
    seeded,
    units: stage.units !== undefined,
  };
}

function describeStage(stage: StageDefinition, width: number): string {
  const ports = (label: string, ports: StageDefinition['inputs'] | StageDefinition['outputs']) => {
    const rows = Object.entries(ports).map(([name, port]) => [name, portKind(port), portSummary(port)]);
    return rows.length === 0 ? [] : ['', label, ...alignColumns(rows, '  ', width)];
  };
  const parameters = parameterTexts(stage.params).map((parameter) => [
    parameter.name,
    parameter.type,
    parameter.required ? 'required' : parameter.default === undefined ? 'optional' : `= ${parameter.default}`,
    parameter.description,
  ]);
  const lines = [
    `${stage.name}  (version ${stage.version})`,
    ...wrapText(stage.summary, width),
    ...(stage.reference === undefined ? [] : wrapText(`from: ${stage.reference}`, width, '      ')),
    ...ports('inputs', stage.inputs),
    ...ports('outputs', stage.outputs),
    ...(parameters.length === 0 ? [] : ['', 'parameters', ...parameterLines(parameters, width)]),
    '',
    ...wrapText(keyText(stage), width),
  ];
  return `${lines.join('\n')}\n`;
}

/** Name, type, default and description side by side, or the description below where there is no room for it. */
function parameterLines(rows: readonly string[][], width: number): string[] {
  const heads = alignColumns(
    rows.map((row) => row.slice(0, 3)),
    '  ',
  );
  if (width - Math.max(...heads.map(textWidth)) >= 40) return alignColumns(rows, '  ', width);
  return rows.flatMap(([, , , description = ''], i) => [
    heads[i] as string,
    ...(description === '' ? [] : wrapText(`      ${description}`, width, '      ')),
  ]);
}

function portKind(port: StageDefinition['inputs'][string]): string {
  return port.optional === true ? `${port.kind}?` : port.kind;
}
