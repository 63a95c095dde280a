// Files of hidden states, as hidden-states writes them and perplexity-eval reads them.
import { type ActivationsReader, openActivations } from '../../formats/tensors/activations.ts';
import type { KeptStates } from '../../model/measure/kept-states.ts';
import { UserError } from '../../util/errors.ts';

/** Whose states a file holds. */
interface Kept {
  /** From 1. */
  readonly layer: number;
  /** SHA-256 of the model's file. */
  readonly model: string;
  /** Digest of the passages (`digestOf`). */
  readonly texts: string;
}

export function statesMetadata({ layer, model, texts }: Kept): Record<string, string> {
  return { layer: String(layer), place: 'after the layer', model, texts };
}

/** Opens states of the texts `texts` in `model`, of width `width`; others are a UserError. `close` the file at the end. */
export async function openStates(
  path: string,
  { model, texts, width }: Pick<Kept, 'model' | 'texts'> & { readonly width: number },
): Promise<KeptStates & Pick<ActivationsReader, 'close'>> {
  const file = await openActivations(path);
  const others = othersIn(file, { model, texts, width });
  if (others !== undefined) {
    await file.close();
    throw new UserError(
      `the kept states are ${others}, expected those of the records that are scored: give hidden-states the model, the data, max_length, batch_tokens and batch_size of perplexity-eval`,
    );
  }
  return {
    layer: Number(file.metadata.layer),
    read: (start, count) => file.readRows(start, count, 'state'),
    close: () => file.close(),
  };
}

/** Of what else the states in `file` are; undefined where they are those that are expected. */
function othersIn(
  { columns, metadata }: ActivationsReader,
  expected: Pick<Kept, 'model' | 'texts'> & { readonly width: number },
): string | undefined {
  if (metadata.model !== expected.model) return 'of another model';
  if (metadata.texts !== expected.texts) return 'of other passages';
  const width = columns.get('state')?.width;
  return width === expected.width ? undefined : `of width ${width ?? 'none'}`;
}
