// Whether what computes can be loaded on this machine, found out before anything runs and said once.
import type { Numerics } from '../../contract/stage.ts';
import { UserError } from '../../util/errors.ts';

/** As long as a library may take to load. */
const wait_ms = 120_000;

/** One process for each kind, however often it is asked. */
const asked = new Map<string, Promise<string | undefined>>();

/** Why it cannot be loaded, with the way out; undefined where it can. What comes with npm is not tried: it runs anywhere. */
export function whyNoEngine({ backend, provider }: Numerics, signal: AbortSignal): Promise<string | undefined> {
  if (backend === 'cpu' || (backend === 'onnx' && provider === 'cpu')) return Promise.resolve(undefined);
  const kind = `${backend} ${provider}`;
  const answer = asked.get(kind) ?? tryEngine({ backend, provider }, signal);
  asked.set(kind, answer);
  return answer;
}

/** The same as a UserError. */
export async function checkEngine(numerics: Numerics, signal: AbortSignal): Promise<void> {
  const why = await whyNoEngine(numerics, signal);
  if (why !== undefined) throw new UserError(why);
}

async function tryEngine(
  { backend, provider }: Pick<Numerics, 'backend' | 'provider'>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { whyUnusable } = await import('../../model/probe/process.ts');
  return whyUnusable({ backend, provider: backend === 'onnx' ? provider : null }, { wait_ms, signal });
}
