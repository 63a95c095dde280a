// export: a checkpoint, with or without shared layers, in the forms that other programs read.
import { declareStage } from '../../contract/define.ts';
import { checkCodes, checkExport, checkForm } from './check.ts';
import { ownFile, textOutputs } from './formats/files.ts';
import { formatOf, formatOutputs, formatReferences } from './formats/registry.ts';
import { exportParams, readersText } from './params.ts';

export const exportStage = declareStage({
  name: 'export',
  version: 6,
  summary: `writes a model, with its recovery folded in or beside it, for ${readersText}; which outputs there are depends on the format`,
  reference: [...formatReferences(), 'the compact folder: docs/export.md'].join('; '),
  params: exportParams,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'shared layers and recovery parameters', optional: true },
  },
  outputs: {
    ...formatOutputs(),
    quantize_config: ownFile(
      'json',
      "quantize_config.json of huggingface with dtype: STORED, where AutoGPTQ's layout is used",
    ),
    ...textOutputs,
    card: {
      kind: 'file',
      summary: 'README.md: what was done, and how to load it',
      extension: 'md',
      file_name: 'README.md',
    },
    metrics: {
      kind: 'metrics',
      summary:
        'bytes of the weights with each stored tensor once (unique) and with an MLP for every layer (expanded), and of every file',
      extension: 'json',
      fields: ['unique_bytes', 'expanded_bytes', 'file_bytes'],
    },
  },
  numeric: true,
  seeded: false,
  check: checkExport,
  async expect(params, { model, recovery }) {
    checkForm(params, recovery ?? {});
    if (model?.quantize !== undefined) checkCodes(params, model.quantize);
    return {};
  },
  cost: (query) => formatOf(query.params)?.cost(query),
});
