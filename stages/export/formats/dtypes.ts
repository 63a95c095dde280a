// Precisions that several formats have.
import type { CostQuery } from '../../../contract/stage.ts';
import { fourBits } from './cost.ts';
import type { ExportParams, FormatDtype } from './format.ts';

const bytes = (count: number): FormatDtype => ({ bytes: () => count });

export const F32 = bytes(4);
export const F16 = bytes(2);
export const BF16 = bytes(2);
/** The codes of a quantised model as they are. */
export const STORED: FormatDtype = { bytes: fourBits };

/** The plain ones. */
export const floats = { F32, F16, BF16 } as const;

/** Bytes of one number in the precision that a query asks for. */
export function bytesOf(dtypes: Readonly<Record<string, FormatDtype>>, { params }: CostQuery): number {
  return (dtypes[String(params.dtype)] ?? STORED).bytes(params as unknown as ExportParams);
}
