// drop-blocks: some layers are left out, whole.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { blockMap, keptSources } from '../../model/sharing/block-map.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { blocks, object } from '../common/options.ts';
import { arrangedCost } from '../costs/checkpoints.ts';

const params = object({
  layers: Type.Optional(
    Type.String({ description: "explicit list of 1-based layers, '17-30' or '3,5,7-9'; wins over type and map" }),
  ),
  ...blocks,
});
export type DropBlocksParams = Static<typeof params>;

/** The layers that stay; a UserError when none does. */
export function keptLayers({ layers: listed, ...map }: DropBlocksParams, layers: number): number[] {
  if (listed === undefined) return keptSources(blockMap(map, layers), layers);
  const dropped = new Set(parseLayers(listed, layers));
  const kept = consecutive(1, layers).filter((layer) => !dropped.has(layer));
  if (kept.length > 0) return kept;
  throw new UserError(`layers: '${listed}' names all ${layers} layers of the model, expected one to stay`);
}

export const dropBlocks = declareStage({
  name: 'drop-blocks',
  version: 1,
  summary: 'leaves out layers whole - attention, norms and MLP - without training; the others close ranks',
  reference: 'Gromov et al. (arXiv 2403.17887), section 3.2, without healing',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the original model' } },
  outputs: { model: { kind: 'checkpoint', summary: 'a model of fewer layers', extension: 'arrow' } },
  numeric: false,
  seeded: false,
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    const kept = keptLayers(params, model.layers);
    const { intermediate_sizes: all } = model;
    const widths = all && { intermediate_sizes: kept.map((layer) => all[layer - 1] as number) };
    return { ...model, ...widths, layers: kept.length, stored_layers: kept.length };
  },
  cost: arrangedCost,
});
