// lamina's own folder: each stored MLP once, with the recovery parameters beside.
import type { FloatType } from '../../../model/export/huggingface.ts';
import { exportCost } from './cost.ts';
import { bytesOf, floats } from './dtypes.ts';
import { ownFile } from './files.ts';
import type { ExportFormat } from './format.ts';
import { codeBlock, dequantizedNote } from './notes.ts';

/** The folder, `format: huggingface` with `layout: compact`. */
export const compact: ExportFormat = {
  format: 'huggingface',
  layout: 'compact',
  summary: "a folder for lamina's load",
  reader: 'lamina',
  library: 'lamina',
  dtypes: floats,
  refused: { STORED: 'the compact folder has no codes' },
  keeps_parallel: true,
  common: ['config'],
  outputs: {
    shared: ownFile('safetensors', 'shared.safetensors of huggingface (compact)'),
    sharp: ownFile('json', 'sharp.json of huggingface (compact): which layers share, with which parameters'),
  },
  cost: (query) => exportCost(query, bytesOf(floats, query), { isOnce: true, isFolded: false }),
  async write({ source, params, folder, path, dequantized, onProgress }) {
    const { writeCompact } = await import('../../../model/export/compact.ts');
    const files = { ...folder, weights: path('shared'), map: path('sharp') };
    const sizes = await writeCompact(source, files, params.dtype as FloatType, onProgress);
    return { sizes, notes: dequantizedNote(dequantized), loading };
  },
};

const loadingLines = [
  'stages:',
  '  base: { use: load, with: { path: FOLDER } }',
  '  ppl: { use: perplexity-eval, in: { model: base, recovery: base, data: data.eval } }',
];
const loading = `In a pipeline of lamina:\n\n${codeBlock('yaml', loadingLines)}\n\n\`sharp.json\` says what stands where. transformers does not load this folder.`;
