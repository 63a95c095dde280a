// A file for llama.cpp.
import type { GgufType } from '../../../formats/tensors/gguf-types.ts';
import { exportCost } from './cost.ts';
import { bytesOf, floats } from './dtypes.ts';
import { ownFile } from './files.ts';
import type { ExportFormat } from './format.ts';
import { codeBlock, dequantizedNote, expandedNote, noteIf, paddedNote } from './notes.ts';

const dtypes = { ...floats, Q8_0: { bytes: () => 34 / 32 }, Q4_0: { bytes: () => 18 / 32 } };

/** The file, `format: gguf`. */
export const gguf: ExportFormat = {
  format: 'gguf',
  layout: 'expanded',
  summary: 'a file for llama.cpp',
  reader: 'llama.cpp',
  library: 'gguf',
  reference: 'GGUF: ggml, docs/gguf.md',
  dtypes,
  dtypes_summary: 'gguf has Q8_0 and Q4_0 beside the floats',
  common: [],
  outputs: { gguf: ownFile('gguf', 'model.gguf', 'model.gguf') },
  cost: (query) => exportCost(query, bytesOf(dtypes, query), { isOnce: false, isFolded: true }),
  async write({ source, params, path, isShared, dequantized, onProgress }) {
    const { writeGguf } = await import('../../../model/export/gguf.ts');
    const settings = { type: params.dtype as GgufType, name: params.name, onProgress };
    const { unblocked, exact_tokenizer, warnings, ...sizes } = await writeGguf(source, path('gguf'), settings);
    const { padded } = source;
    const notes = [
      ...expandedNote(isShared),
      ...paddedNote(padded),
      ...noteIf(unblocked.length > 0, unblockedNote(unblocked)),
      ...noteIf(!exact_tokenizer, tokenizerNote),
      ...dequantizedNote(dequantized),
    ];
    const facts = {
      ...(padded.length > 0 && { padded_layers: padded }),
      ...(unblocked.length > 0 && { f16_tensors: unblocked }),
      ...(!exact_tokenizer && { exact_tokenizer }),
    };
    const said = [...warnings, ...noteIf(!exact_tokenizer, tokenizerWarning)];
    return {
      sizes,
      notes,
      loading: codeBlock('sh', ['llama-cli -m FOLDER/model.gguf -p "..."']),
      facts,
      warnings: said,
    };
  },
};

function unblockedNote(unblocked: readonly string[]): string {
  return `${unblocked.length} matrices have rows that are no multiple of 32 numbers, and are stored as F16.`;
}

const tokenizerNote =
  "llama.cpp has no pre-tokenizer of this model's pattern; the file names GPT-2's. Some texts are split into other tokens than in training: give it token ids, or compare both first.";
const tokenizerWarning =
  "llama.cpp has no pre-tokenizer of this model's pattern, and that of GPT-2 is named: some texts become other tokens there";
