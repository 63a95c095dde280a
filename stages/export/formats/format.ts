// What lamina knows of one form in which a model leaves: all of it stands in that format's file.
import type { TProperties } from 'typebox';
import type { Cost, CostQuery, Facts, OutputPort } from '../../../contract/stage.ts';
import type { Quantization } from '../../../model/codec/quantization.ts';
import type { ExportSizes } from '../../../model/export/sizes.ts';
import type { ExportSource } from '../../../model/export/source.ts';
import type { TextFiles } from '../../../model/export/texts.ts';
import type { CommonFile } from './files.ts';

/** The parameters of an export, as every format gets them. */
export type ExportParams = {
  format: string;
  layout: 'expanded' | 'compact';
  dtype: string;
  name: string;
  threads: number;
  /** Those that some formats have beside. */
  group_size: number;
  head?: boolean;
  accuracy_level: number;
};

/** A precision that a format has. */
export interface FormatDtype {
  /** Bytes of one number on the disk, scales included; of STORED what is assumed where the checkpoint does not say. */
  bytes(params: Pick<ExportParams, 'group_size'>): number;
  /** A clause on what it means, where its name does not say so. */
  summary?: string;
}

/** One form of an export. Light: planning loads all of them, and `write` alone loads what does the work. */
export interface ExportFormat {
  /** The parameters that choose it; formats of one name differ in their layout. */
  readonly format: string;
  readonly layout: ExportParams['layout'];
  /** A shorter name, where people have one: `lamina export` takes it too. */
  readonly short?: string;
  /** For the description of the parameter `format`: what it makes, for which program. */
  readonly summary: string;
  /** The program that reads it, as people call it, and as `library_name` of a card has it. */
  readonly reader: string;
  readonly library: string;
  /** Where the format is described. */
  readonly reference?: string;
  /** Its precisions by name, the first ones those of most formats. */
  readonly dtypes: Readonly<Record<string, FormatDtype>>;
  /** A clause on the precisions, where they are not the plain ones. */
  readonly dtypes_summary?: string;
  /** The only scheme whose codes STORED can hold here, where it is one. */
  readonly stored_scheme?: string;
  /** Precisions that the other layout of the same name has, each with the reason why this one has not. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Parameters of its own. One without a default leaves the keys of all other exports as they are. */
  readonly options?: TProperties;
  /** Which of the common files it has. */
  readonly common: readonly CommonFile[];
  /** True where it can say that layers run side by side and MLPs are cut into experts; other programs run them one after the other, and whole. */
  readonly keeps_parallel?: true;
  /** True where the common files and the model's texts are those of a base, in a folder of its own. */
  readonly has_base?: boolean;
  /** Files of its own, optional each. */
  readonly outputs: Readonly<Record<string, OutputPort>>;
  /** Throws UserError for codes that STORED cannot hold here; asked while planning, and again by the writer. */
  checkCodes?(quantization: Quantization): void;
  cost(query: CostQuery): Cost | undefined;
  /** Writes the files; throws UserError for a model or a recovery that the format cannot hold. */
  write(job: ExportJob): Promise<Written>;
}

/** What a format writes, and where to. */
export interface ExportJob {
  readonly source: ExportSource;
  /** That the precision is one of the format's was checked when the run was planned. */
  readonly params: ExportParams;
  /** Where an output goes. */
  path(output: string): string;
  /** Where the files of a model folder go. */
  readonly folder: TextFiles & { readonly config: string; readonly weights: string };
  /** Whether layers use another layer's MLP, or none. */
  readonly isShared: boolean;
  /** The scheme of a quantised model that is written in another type. */
  readonly dequantized: string | undefined;
  onProgress(done: number, total: number): void;
}

/** What was written, and what a reader has to know of it. */
export interface Written {
  readonly sizes: ExportSizes;
  /** Sentences for the card's notes, in their order. */
  readonly notes: readonly string[];
  /** How it is loaded, in Markdown, with FOLDER for the folder that the card is in. */
  readonly loading: string;
  /** The type of the recovery parameters, where it is not F32. */
  readonly factors?: string;
  /** Facts of the outputs beside those of the recovery. */
  readonly facts?: Facts;
  readonly warnings?: readonly string[];
}
