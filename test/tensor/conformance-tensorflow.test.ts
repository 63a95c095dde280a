// The conformance suite on `--backend tensorflow`, where TensorFlow's binding is installed (see tensor/README.md).
import { it } from 'vitest';
import { conformance } from './conformance.ts';
import { unusable } from './usable.ts';

const options = { backend: 'tensorflow' } as const;
/** TensorFlow refuses an id that is out of range; the others leave its rows out. */
const refused = ['unsortedSegmentSum [6,3] [6]'];

const reason = unusable(options);
if (reason === undefined) {
  conformance('tensorflow', options, { refused });
} else {
  console.warn(`skipped: conformance on tensorflow: ${reason}`);
  it.skip(`tensorflow is not usable here: ${reason}`);
}
