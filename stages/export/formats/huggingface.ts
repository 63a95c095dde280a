// A folder for transformers, with an MLP of its own for every layer.
import { checkLayoutCodes } from '../../../model/codec/codes-fit.ts';
import type { FloatType } from '../../../model/export/huggingface.ts';
import { exportCost } from './cost.ts';
import { bytesOf, floats, STORED } from './dtypes.ts';
import type { ExportFormat, ExportJob, Written } from './format.ts';
import { codeBlock, dequantizedNote, expandedNote, paddedNote } from './notes.ts';

const dtypes = { ...floats, STORED };

/** The folder, `format: huggingface` with `layout: expanded`; a quantised model in the layout of AutoGPTQ or bitsandbytes. */
export const huggingface: ExportFormat = {
  format: 'huggingface',
  layout: 'expanded',
  short: 'hf',
  summary: 'a folder for transformers',
  reader: 'transformers',
  library: 'transformers',
  dtypes,
  common: ['config', 'model'],
  outputs: {},
  checkCodes: (quantization) => void checkLayoutCodes(quantization),
  cost: (query) => exportCost(query, bytesOf(dtypes, query), { isOnce: false, isFolded: true }),
  write: (job) => (job.params.dtype === 'STORED' ? writeStored(job) : writeFloats(job)),
};

/** What has to be there before a model in codes loads. */
export const codesLine = '# needs the package that config.json names: bitsandbytes, or for gptq one such as gptqmodel';
const loadingLines = [
  'from transformers import AutoModelForCausalLM, AutoTokenizer',
  '',
  "model = AutoModelForCausalLM.from_pretrained('FOLDER')",
  "tokenizer = AutoTokenizer.from_pretrained('FOLDER')",
];

async function writeStored({ source, folder, path, isShared, onProgress }: ExportJob): Promise<Written> {
  const { writeCodes } = await import('../../../model/export/codes.ts');
  const sizes = await writeCodes(source, { ...folder, quantize_config: path('quantize_config') }, onProgress);
  return { sizes, notes: expandedNote(isShared), loading: codeBlock('python', [codesLine, ...loadingLines]) };
}

async function writeFloats({ source, params, folder, isShared, dequantized, onProgress }: ExportJob): Promise<Written> {
  const { writeHuggingFace } = await import('../../../model/export/huggingface.ts');
  const { padded } = source;
  return {
    sizes: await writeHuggingFace(source, folder, params.dtype as FloatType, { onProgress }),
    notes: [...expandedNote(isShared), ...paddedNote(padded), ...dequantizedNote(dequantized)],
    loading: codeBlock('python', loadingLines),
    facts: { ...(padded.length > 0 && { padded_layers: padded }) },
  };
}
