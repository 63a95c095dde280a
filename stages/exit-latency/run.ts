// The work of exit-latency: the same prompts answered with exits and with all layers in turn, by decoders that stay, and each of their steps timed.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { createDecoder, type Decoder } from '../../model/generate/decoder.ts';
import { createExitDecoder } from '../../model/generate/exit-decoder.ts';
import { generate } from '../../model/generate/generate.ts';
import { UserError } from '../../util/errors.ts';
import { type Spent, stopwatch } from '../../util/stopwatch.ts';
import { type AskedRecord, askedRecords, recordsOfPart } from '../common/decoded.ts';
import { exitOf } from '../common/exit-input.ts';
import { type OpenModel, onlyFile, openModel } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import { machineFacts } from '../common/timings.ts';
import type { exitLatency } from './declare.ts';
import { type DecodeSample, exitLatencyReport } from './report.ts';

type Context = ContextOf<typeof exitLatency>;

/** One way to decode, with a sample for each round that counts. */
interface Contestant {
  readonly decoder: Decoder;
  /** What steps took since it was taken last. */
  take(): DecodeSample;
  readonly samples: DecodeSample[];
}

export async function timeExits(context: Context): Promise<void> {
  const [unit] = context.units;
  const { machine, ...setting } = context.params;
  const opened = await openModel(context);
  try {
    const { model } = opened;
    const exit = await exitOf(context.inputs.exit, model);
    const records = recordsOfPart(await readRecordLines(onlyFile(context.inputs.data)), setting, context.seed);
    const asked = askedRecords(context, records, opened, setting.max_tokens);
    const { max_tokens } = setting;
    const early = timed(createExitDecoder(model, { exit, max_tokens }, model.config.max_position_embeddings));
    const full = timed(createDecoder(model));
    await decodeInTurn(context, opened, asked, [early, full]);
    const report = exitLatencyReport(early.samples, full.samples);
    const { provider, threads } = context.numerics;
    const measured = { ...setting, threads, provider, ...machineFacts(), ...(machine !== undefined && { machine }) };
    await writeFile(unit.outputs.metrics, `${JSON.stringify({ ...report, measured }, null, 2)}\n`);
    await unit.done();
  } finally {
    opened.close();
  }
}

/** Rounds of one decoding each; who goes first changes from round to round, and the round before them does not count. */
async function decodeInTurn(
  { params, signal, progress }: Context,
  { model, tokenizer }: OpenModel,
  asked: readonly AskedRecord[],
  contestants: readonly Contestant[],
): Promise<void> {
  const { repetitions, max_tokens, batch_size } = params;
  const requests = asked.map(({ prompt }) => ({ ids: prompt, stop: [], max_tokens }));
  for (let round = 0; round <= repetitions; round++) {
    for (const { decoder, take, samples } of round % 2 === 0 ? contestants : contestants.toReversed()) {
      await generate(model, tokenizer, requests, { batch_size, order: 'given', signal, decoder });
      const sample = take();
      if (sample.tokens === 0) {
        throw new UserError(
          "no answer has a second token, and the first comes from reading the prompt: expected records with longer answers to time (raise 'limit', or take other records)",
        );
      }
      if (round > 0) samples.push(sample);
    }
    progress({ done: round + 1, total: repetitions + 1, of: 'round' });
  }
}

/** `decoder` with a stopwatch at its steps. */
function timed(decoder: Decoder): Contestant {
  let [sum, tokens]: [Spent, number] = [{ wall_s: 0, cpu_s: 0 }, 0];
  const watched: Decoder = Object.create(decoder, {
    step: {
      async value(...given: Parameters<Decoder['step']>) {
        const spent = stopwatch();
        const logits = await decoder.step(...given);
        const { wall_s, cpu_s } = spent();
        sum = { wall_s: sum.wall_s + wall_s, cpu_s: sum.cpu_s + cpu_s };
        tokens += given[1].length;
        return logits;
      },
    },
  });
  const take = () => {
    const sample = { ...sum, tokens };
    [sum, tokens] = [{ wall_s: 0, cpu_s: 0 }, 0];
    return sample;
  };
  return { decoder: watched, take, samples: [] };
}
