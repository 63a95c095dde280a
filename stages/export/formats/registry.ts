// The formats of exports, one line each: a new one is a file and a line here.
import type { OutputPort } from '../../../contract/stage.ts';
import { compact } from './compact.ts';
import { type CommonFile, commonFiles, ownFile } from './files.ts';
import type { ExportFormat, ExportParams } from './format.ts';
import { gguf } from './gguf.ts';
import { huggingface } from './huggingface.ts';
import { onnx } from './onnx.ts';
import { peft } from './peft.ts';

/** All of them, the usual one first. */
export const exportFormats: readonly ExportFormat[] = [huggingface, compact, peft, onnx, gguf];

/** One format for each name, in the usual layout. */
export const namedFormats = exportFormats.filter(({ layout }) => layout === 'expanded');

/** Places are as they have always been: metrics list files, and people read docs/stages.md, in this order. */
const byOutputs = new Set([onnx, ...exportFormats]);
const byReference = new Set([gguf, ...exportFormats]);

/** The format that parameters choose; undefined for a layout that it does not have. */
export function formatOf({ format, layout }: Pick<ExportParams, 'format' | 'layout'>): ExportFormat | undefined {
  return exportFormats.find((each) => each.format === format && each.layout === layout);
}

/** The format that people call so, by its name or the shorter one. */
export function formatNamed(text: string): ExportFormat | undefined {
  return namedFormats.find(({ format, short }) => format === text || short === text);
}

/** The outputs of all formats, each once. */
export function formatOutputs(): Record<string, OutputPort> {
  const outputs: Record<string, OutputPort> = {};
  for (const format of byOutputs) {
    for (const name of format.common) outputs[name] ??= commonOutput(name);
    Object.assign(outputs, format.outputs);
  }
  return outputs;
}

/** Where the formats are described. */
export function formatReferences(): string[] {
  return [...byReference].flatMap(({ reference }) => reference ?? []);
}

/** `config.json of huggingface and onnx, and of the base of peft`. */
function commonOutput(name: CommonFile): OutputPort {
  const having = exportFormats.filter(({ common }) => common.includes(name));
  const own = having.filter(({ has_base }) => !has_base);
  const bases = having.filter(({ has_base }) => has_base).map(({ format }) => format);
  const ofBases = bases.length > 0 ? `, and of the base of ${bases.join(' and ')}` : '';
  const { extension, name: file } = commonFiles[name];
  return ownFile(
    extension,
    `${file} of ${[...new Set(own.map((each) => titleIn(each, own)))].join(' and ')}${ofBases}`,
  );
}

/** A format's name; with its layout, where the other one is not among `formats`. */
function titleIn({ format, layout }: ExportFormat, formats: readonly ExportFormat[]): string {
  const count = (all: readonly ExportFormat[]) => all.filter((each) => each.format === format).length;
  return count(formats) === count(exportFormats) ? format : `${format} (${layout})`;
}
