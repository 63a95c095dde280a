// The layouts for codes, by the codec that each holds.
import type { Codec, IntegerCodec, Nf4Codec } from '../codec/quantize-codec.ts';
import { autogptq } from './autogptq-layout.ts';
import { bitsandbytes } from './bitsandbytes-layout.ts';
import type { CodeLayout } from './layout.ts';

/** Every codec has one. */
const layouts: { integer: CodeLayout<IntegerCodec>; nf4: CodeLayout<Nf4Codec> } = {
  integer: autogptq,
  nf4: bitsandbytes,
};

/** The layout that holds the codes of `codec`. */
export function codeLayoutOf(codec: Codec): CodeLayout<Codec> {
  return layouts[codec.type] as CodeLayout<Codec>;
}
