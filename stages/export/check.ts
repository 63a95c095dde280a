// Which parameters of an export go together, and which codes of a model that is yet to be quantised.
import type { QuantizeFacts, RecoveryFacts } from '../../contract/facts.ts';
import { expectedQuantization } from '../../model/quantize/plan.ts';
import { UserError } from '../../util/errors.ts';
import type { ExportParams } from './formats/format.ts';
import { exportFormats, formatOf, namedFormats } from './formats/registry.ts';
import { listed } from './listed.ts';

/** Throws UserError for parameters that do not go together. */
export function checkExport(params: ExportParams): void {
  const { format, layout, dtype } = params;
  const [expected] = namedFormats.filter((each) => each.format === format);
  const dtypes = Object.keys(expected?.dtypes ?? {});
  if (!dtypes.includes(dtype)) {
    const of = namedFormats.filter((each) => dtype in each.dtypes).map((each) => each.format);
    throw new UserError(
      `dtype: ${dtype} is of format: ${of.join(', ')}, expected ${listed(dtypes, ' or')} for format: ${format}`,
    );
  }
  const reason = exportFormats.find((each) => each.layout === layout && each.refused?.[dtype])?.refused?.[dtype];
  if (reason !== undefined) throw new UserError(`dtype: ${dtype} expects layout: expanded, because ${reason}`);
  if (formatOf(params) !== undefined) return;
  const of = exportFormats.filter((each) => each.layout === layout).map((each) => each.format);
  throw new UserError(
    `layout: ${layout} is of format: ${of.join(', ')}, expected layout: expanded for format: ${format}`,
  );
}

/** Throws UserError where the model has layers that run side by side, or MLPs cut into experts, and the format has no words for it. */
export function checkForm(
  params: ExportParams,
  { parallel, routing }: { readonly parallel?: RecoveryFacts['parallel'] | undefined; readonly routing?: unknown },
): void {
  if (formatOf(params)?.keeps_parallel === true) return;
  if (routing !== undefined) {
    throw new UserError(
      `format: ${params.format} is for programs that pass every MLP whole, and MLPs of this model are cut into experts: expected format: onnx, or format: huggingface with layout: compact`,
    );
  }
  if (parallel === undefined) return;
  const { first, last } = parallel;
  throw new UserError(
    `format: ${params.format} is for programs that run one layer after the other, and layers ${first}-${last} of this model run side by side: expected format: onnx, or format: huggingface with layout: compact`,
  );
}

/** Throws UserError for codes that the format cannot hold, of a model that `quantize` is going to make. */
export function checkCodes(params: ExportParams, settings: QuantizeFacts): void {
  if (params.dtype === 'STORED') formatOf(params)?.checkCodes?.(expectedQuantization(settings));
}
