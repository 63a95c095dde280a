// The work of rolling-perplexity: texts to tokens, tokens to windows, every token scored once.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { type RollingSettings, rollingPerplexity, rollingWindows, type TextSize } from '../../model/measure/rolling.ts';
import { UserError } from '../../util/errors.ts';
import { refuseNoNumber } from '../common/finite-perplexity.ts';
import { openStoredModel } from '../common/model-input.ts';
import type { rollingPerplexityStage } from './declare.ts';
import { type EncodedText, encodeTexts, textsOf } from './texts.ts';

type Context = ContextOf<typeof rollingPerplexityStage>;

export async function measureRolling(context: Context): Promise<void> {
  const [unit] = context.units;
  const { stride = context.params.context, ...params } = context.params;
  const { model, config, tokenizer, close } = await openStoredModel(context);
  try {
    const { vocab_size, max_position_embeddings: most } = config;
    const encoded = await encodeTexts(context, await textsOf(context), tokenizer, { ...params, vocab_size });
    const texts = encoded.filter(({ size }) => size.tokens > 0);
    const windows = windowsOf(texts, { ...params, stride });
    if (windows.some(({ ids }) => ids.length > most)) {
      context.warn(
        `windows of ${params.context} tokens are longer than the model's context of ${most}: lower 'context' to it`,
      );
    }
    const size = sizeOf(texts);
    const packing = { batch_tokens: params.batch_tokens, max_length: params.context };
    const found = await rollingPerplexity(model, windows, size, packing, (share) => {
      context.signal.throwIfAborted();
      context.progress({ done: Math.floor(share * windows.length), total: windows.length, of: 'window' });
    });
    refuseNoNumber(found);
    const { tokens: text_tokens, ...counted } = size;
    const metrics = { ...found, text_tokens, ...counted, texts: texts.length };
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    await unit.done({ perplexity: found.perplexity, tokens: found.tokens, bytes: size.bytes });
  } finally {
    await close();
  }
}

function windowsOf(texts: readonly EncodedText[], settings: RollingSettings) {
  const windows = texts.flatMap(({ ids }) => rollingWindows(ids, settings));
  if (windows.length > 0) return windows;
  const longest = texts.reduce((most, { ids }) => Math.max(most, ids.length), 0);
  const needed = settings.last_window === 'dropped' ? settings.context : 2;
  throw new UserError(`the longest text has ${longest} tokens, expected at least ${needed} to score one`);
}

/** All texts together. */
function sizeOf(texts: readonly EncodedText[]): TextSize {
  const total = { tokens: 0, words: 0, bytes: 0 };
  for (const { size } of texts) {
    total.tokens += size.tokens;
    total.words += size.words;
    total.bytes += size.bytes;
  }
  return total;
}
