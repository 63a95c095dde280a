// The parameters of export, as its formats make them up.
import type { TProperties } from 'typebox';
import { Type } from '../../schemas/type.ts';
import { object, threads } from '../common/options.ts';
import type { ExportParams } from './formats/format.ts';
import { exportFormats, namedFormats } from './formats/registry.ts';
import { listed } from './listed.ts';

const names = namedFormats.map(({ format }) => format);
const dtypes = new Map(exportFormats.flatMap((format) => Object.entries(format.dtypes)));
const options: TProperties = Object.assign({}, ...exportFormats.map((format) => format.options ?? {}));

const params = object({
  format: Type.Enum(names, {
    default: 'huggingface',
    description: listed(
      namedFormats.map(({ summary }) => summary),
      ', or',
    ),
  }),
  layout: Type.Enum(['expanded', 'compact'], {
    default: 'expanded',
    description:
      "of huggingface: an MLP of its own for every layer, or each stored MLP once with the recovery parameters beside (read by lamina's load)",
  }),
  dtype: Type.Enum([...dtypes.keys()], { default: 'BF16', description: dtypesText() }),
  ...options,
  name: Type.String({
    minLength: 1,
    maxLength: 96,
    pattern: '^[^\\p{C}]+$',
    default: 'lamina model',
    description: "the model's name in its card and in a gguf file",
  }),
  threads: threads(1),
});

/** Every parameter; which of them go together says `checkExport`. Options of formats are spread, so their type stands beside them. */
export const exportParams = Type.Unsafe<ExportParams>(params);

/** The programs that exports are for: `transformers, PEFT, ONNX Runtime or llama.cpp`. */
export const readersText = listed(
  namedFormats.map(({ reader }) => reader),
  ' or',
);

function dtypesText(): string {
  const clauses = exportFormats.flatMap(({ dtypes_summary }) => dtypes_summary ?? []).join(', ');
  const notes = [...dtypes].flatMap(([name, { summary }]) => (summary === undefined ? [] : `${name}: ${summary}`));
  return `precision of the weights on disk; ${clauses}. STORED, of ${storedText()}: the codes of a quantised model as they are. ${notes.join('; ')}`;
}

/** Those that hold the codes of any scheme first. */
function storedText(): string {
  const having = namedFormats.filter(({ dtypes }) => 'STORED' in dtypes);
  const any = having.filter(({ stored_scheme }) => stored_scheme === undefined).map(({ format }) => format);
  const some = having.flatMap(({ format, stored_scheme }) =>
    stored_scheme === undefined ? [] : `(${stored_scheme}) ${format}`,
  );
  return listed([...any, ...some], ' and');
}
