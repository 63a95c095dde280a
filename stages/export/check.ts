// Which parameters of an export go together, and which codes of a model that is yet to be quantised.
import type { QuantizeFacts } from '../../contract/facts.ts';
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

/** Throws UserError for codes that the format cannot hold, of a model that `quantize` is going to make. */
export function checkCodes(params: ExportParams, settings: QuantizeFacts): void {
  if (params.dtype === 'STORED') formatOf(params)?.checkCodes?.(expectedQuantization(settings));
}
