// What attempts at each stage took before, beside what its cost says of them: by these what is left is estimated.

import type { Numerics } from '../../contract/stage.ts';
import type { RecordedWork, StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';

/** One attempt that was carried out, with all the units that it made. */
export interface PastAttempt {
  /** What it computed on, where that counts: `onnx cpu`; '' otherwise. */
  engine: string;
  duration_ms: number;
  /** Bytes of the artifacts that it read and made. */
  read_bytes: number;
  written_bytes: number;
  /** By the stage's cost, with the facts and sizes of that time; undefined where it has none or was not asked. */
  work: RecordedWork | undefined;
}

/** The attempts of every stage definition that has records, by its name. */
export type History = ReadonlyMap<string, readonly PastAttempt[]>;

/** Reads every record of the store. */
export async function historyOf(store: Store): Promise<History> {
  const stages = new Map<string, Map<string, PastAttempt>>();
  for await (const record of store.records()) {
    const { preimage, about } = record;
    const attempts = stages.get(preimage.stage) ?? new Map<string, PastAttempt>();
    stages.set(preimage.stage, attempts);
    // the units of an attempt began together, and the first of them has the time that was spent for all
    const attempt = `${about.host} ${about.node} ${about.started}`;
    attempts.set(attempt, joined(attempts.get(attempt), pastOf(record)));
  }
  return new Map([...stages].map(([stage, attempts]) => [stage, [...attempts.values()]]));
}

function pastOf({ preimage, about, outputs }: StoreRecord): PastAttempt {
  const inputs = Object.values(preimage.inputs).flatMap((input) =>
    'units' in input ? Object.values(input.units) : [input],
  );
  return {
    engine: engineName(preimage.numerics),
    duration_ms: about.duration_ms,
    read_bytes: sizeOf(inputs),
    written_bytes: sizeOf(Object.values(outputs)),
    work: about.work,
  };
}

/** How what a stage computed on is told apart; '' for one that the engine does not matter to. */
export function engineName(numerics: Pick<Numerics, 'backend' | 'provider' | 'precision'> | undefined): string {
  if (numerics === undefined) return '';
  const { backend, provider, precision } = numerics;
  return [backend, provider, ...(precision === 'float32' ? [] : [precision])].join(' ');
}

function joined(a: PastAttempt | undefined, b: PastAttempt): PastAttempt {
  if (a === undefined) return b;
  return {
    engine: b.engine,
    duration_ms: a.duration_ms + b.duration_ms,
    written_bytes: a.written_bytes + b.written_bytes,
    read_bytes: a.read_bytes + b.read_bytes,
    work: a.work &&
      b.work && { flops: a.work.flops + b.work.flops, moved_bytes: a.work.moved_bytes + b.work.moved_bytes },
  };
}

function sizeOf(artifacts: readonly { size: number }[]): number {
  return artifacts.reduce((sum, { size }) => sum + size, 0);
}
