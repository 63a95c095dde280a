// An ONNX model for ONNX Runtime, from Python to browsers: each stored tensor once, however many layers use it.
import { writeFile } from 'node:fs/promises';
import { writing } from '../../formats/files/writing.ts';
import { encodeOnnxModel, type OnnxGraph } from '../../formats/tensors/onnx.ts';
import { createOnnxData, type OnnxDataWriter } from '../../formats/tensors/onnx-data.ts';
import { type MatrixRole, projections } from '../architecture/roles.ts';
import { headName, tensorName, tensorShapes } from '../architecture/tensors.ts';
import { type OnProgress, writeConfig } from '../export/huggingface.ts';
import type { ExportSizes } from '../export/sizes.ts';
import type { ExportSource } from '../export/source.ts';
import { type TextFiles, writeTexts } from '../export/texts.ts';
import { type TensorSource, tensorSources } from '../sharing/sources.ts';
import { addDecoder } from './decoder.ts';
import { OnnxBuilder } from './graph.ts';
import { readLayer } from './layer-weights.ts';
import { type OnnxPrecision, type OnnxSettings, precisionOf } from './precision.ts';
import { storedPrecision } from './stored.ts';
import { onnxWeights } from './weights.ts';

/** Where the files of an ONNX folder go. */
export interface OnnxFiles extends TextFiles {
  readonly config: string;
  readonly onnx: string;
  readonly onnx_data: string;
}

/** The name by which `model.onnx` finds its weights: they must lie beside it under this name. */
export const onnxDataName = 'model.onnx.data';
/** INT4 and its block-wise DequantizeLinear came with opset 21, which is IR version 10. */
const opset = 21;
const irVersion = 10;

/** What an ONNX export did. */
export interface OnnxExport extends ExportSizes {
  /** The output head has codes too. */
  readonly quantized_head: boolean;
  /** STORED: the scheme of the codes, and the operator that multiplies with those of the layers. */
  readonly codes?: { readonly scheme: string; readonly operator: string | undefined } | undefined;
}

/** Writes the model as `settings` say, with recovery parameters beside the matrices that they belong to. */
export async function writeOnnx(
  source: ExportSource,
  files: OnnxFiles,
  settings: OnnxSettings,
  onProgress: OnProgress = () => {},
): Promise<OnnxExport> {
  const { stored: config, tokenizer } = source;
  const isStored = settings.dtype === 'STORED';
  const precision = isStored ? storedPrecision(source, settings.accuracy_level) : precisionOf(config, settings);
  await writeConfig(files.config, config, settings.dtype === 'F16' ? 'F16' : 'F32');
  await writeTexts(files, tokenizer);
  const unique_bytes = await writing(await createOnnxData(files.onnx_data, onnxDataName), async (data) => {
    const graph = await graphOf(source, data, precision, onProgress);
    const opsets = { '': opset, ...precision.opsets };
    await writeFile(files.onnx, encodeOnnxModel({ irVersion, producer: 'lamina', opsets, graph }));
    return data.bytes;
  });
  const expanded_bytes = expandedBytes(source, precision.bytesOf);
  return {
    unique_bytes,
    expanded_bytes,
    quantized_head: precision.quantizes(headName),
    codes: precision.codes,
  };
}

async function graphOf(
  source: ExportSource,
  data: OnnxDataWriter,
  precision: OnnxPrecision,
  onProgress: OnProgress,
): Promise<OnnxGraph> {
  const { stored: config } = source;
  const graph = new OnnxBuilder(precision.float, data);
  const weights = onnxWeights(source, graph, precision, onProgress);
  const sources = tensorSources(config, source.recovery.replacements);
  const isThere = (layer: number, role: MatrixRole) => {
    const found = sources.get(tensorName(config, layer, role)) as TensorSource;
    return found.kind === 'factored' || (found.kind !== 'zeros' && !precision.isAbsent(found.of));
  };
  const layer = (layer: number) => {
    const [hasAttention, hasMlp] = [isThere(layer, 'q'), isThere(layer, 'gate')];
    const canPart = projections.every((role) => {
      const found = sources.get(tensorName(config, layer, role)) as TensorSource;
      return found.kind === 'stored' && !precision.quantizes(found.of);
    });
    return readLayer(graph, { config, layer, recovery: source.recovery, hasAttention, hasMlp, canPart }, weights);
  };
  const ports = await addDecoder(graph, config, { ...weights, layer, parallel: source.recovery.parallel });
  const { nodes, initializers } = graph;
  return { name: config.model_type, nodes, initializers, ...ports };
}

/** Every layer with an MLP of its own, recovery folded in. */
function expandedBytes({ stored }: ExportSource, bytesOf: (name: string, shape: readonly number[]) => number): number {
  return [...tensorShapes(stored)].reduce((total, [name, shape]) => total + bytesOf(name, shape), 0);
}
