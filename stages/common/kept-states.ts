// Files of hidden states, as hidden-states writes them and perplexity-eval reads them.
import { type ActivationsReader, openActivations } from '../../formats/tensors/activations.ts';
import type { KeptStates } from '../../model/measure/kept-states.ts';
import { UserError } from '../../util/errors.ts';

/** Whose states a file holds. */
interface Kept {
  /** From 1. */
  readonly layer: number;
  /** Digest of the passages (`digestOf`). */
  readonly texts: string;
}

export function statesMetadata({ layer, texts }: Kept): Record<string, string> {
  return { layer: String(layer), place: 'after the layer', texts };
}

/** Opens states of the texts `texts` for a model of width `width`; others are a UserError. `close` the file at the end. */
export async function openStates(
  path: string,
  { texts, width }: { texts: string; width: number },
): Promise<KeptStates & Pick<ActivationsReader, 'close'>> {
  const file = await openActivations(path);
  const found = file.columns.get('state');
  if (found?.width !== width || file.metadata.texts !== texts) {
    await file.close();
    const what = found?.width === width ? 'of other passages' : `of width ${found?.width ?? 'none'}`;
    throw new UserError(
      `the kept states are ${what}, expected those of the records that are scored: give hidden-states the model, the data, max_length, batch_tokens and batch_size of perplexity-eval`,
    );
  }
  return {
    layer: Number(file.metadata.layer),
    read: (start, count) => file.readRows(start, count, 'state'),
    close: () => file.close(),
  };
}
