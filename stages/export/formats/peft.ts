// An adapter beside its base, for PEFT: candidate g0 as LoRA.
import { checkAdapterCodes, checkLayoutCodes } from '../../../model/codec/codes-fit.ts';
import type { FloatType } from '../../../model/export/huggingface.ts';
import { exportCost } from './cost.ts';
import { bytesOf, floats, STORED } from './dtypes.ts';
import { ownFile } from './files.ts';
import type { ExportFormat } from './format.ts';
import { codesLine } from './huggingface.ts';
import { codeBlock, dequantizedNote, expandedNote, layersText, noteIf, paddedNote } from './notes.ts';

const dtypes = { ...floats, STORED };

/** The adapter, `format: peft`; its writer refuses a recovery of another candidate, and one without parameters. */
export const peft: ExportFormat = {
  format: 'peft',
  layout: 'expanded',
  summary: 'an adapter beside its base for PEFT (g0 only)',
  reader: 'PEFT',
  library: 'peft',
  reference: 'adapters: PEFT, LoRA',
  dtypes,
  stored_scheme: 'NF4',
  common: ['config', 'model'],
  has_base: true,
  outputs: {
    adapter_config: ownFile('json', 'adapter_config.json of peft'),
    adapter_model: ownFile('safetensors', 'adapter_model.safetensors of peft'),
  },
  checkCodes(quantization) {
    checkAdapterCodes(quantization);
    checkLayoutCodes(quantization);
  },
  cost: (query) => exportCost(query, bytesOf(dtypes, query), { isOnce: false, isFolded: false }),
  async write({ source, params, folder, path, isShared, dequantized, onProgress }) {
    const { writePeft } = await import('../../../model/export/peft.ts');
    const files = { ...folder, adapter_config: path('adapter_config'), adapter_model: path('adapter_model') };
    const { folded, ...sizes } = await writePeft(source, files, params.dtype as FloatType | 'STORED', onProgress);
    const { padded } = source;
    const notes = [
      ...expandedNote(isShared, 'in `base`'),
      ...paddedNote(padded),
      ...foldedNote(folded),
      ...dequantizedNote(dequantized),
    ];
    const facts = {
      ...(padded.length > 0 && { padded_layers: padded }),
      ...(folded.length > 0 && { folded_layers: folded }),
    };
    const lines = params.dtype === 'STORED' ? [codesLine, ...loadingLines] : loadingLines;
    return { sizes, notes, loading: codeBlock('python', lines), facts };
  },
};

function foldedNote(folded: readonly number[]): string[] {
  const note = `The factors alpha of ${layersText(folded)} are not 1, which PEFT cannot hold: in \`base\` the MLPs there are multiplied by them, so this adapter belongs on this base only.`;
  return noteIf(folded.length > 0, note);
}

const loadingLines = [
  'from peft import PeftModel',
  'from transformers import AutoModelForCausalLM',
  '',
  "base = AutoModelForCausalLM.from_pretrained('FOLDER/base')",
  "model = PeftModel.from_pretrained(base, 'FOLDER')",
];
