// Finds out whether a place lets one of several writers win: some say that they do, and let all of them.
import { randomUUID } from 'node:crypto';
import { type Bucket, RemoteError } from './bucket.ts';
import { folders } from './names.ts';

/** `one-wins`: of writers of one new name, the first. `all-win`: it takes them all. `unable`: it knows no such condition. */
export type Conditions = 'one-wins' | 'all-win' | 'unable';

const writers = 8;
/** A race may go well by chance. */
const rounds = 3;

/** Lets several writers write the same new name at once, and once more when they are done; leaves nothing behind. */
export async function probeConditions(bucket: Bucket): Promise<Conditions> {
  for (let round = 0; round < rounds; round++) {
    const found = await oneRound(bucket);
    if (found !== 'one-wins') return found;
  }
  return 'one-wins';
}

async function oneRound(bucket: Bucket): Promise<Conditions> {
  const name = folders.probes + randomUUID();
  const texts: string[] = Array.from({ length: writers }, () => randomUUID());
  try {
    const write = (text: string) => bucket.write(name, Buffer.from(text), 'unless-there');
    const outcomes = await Promise.all(texts.map(write));
    const late = await write(randomUUID());
    const winners = texts.filter((_, i) => outcomes[i] === 'written');
    const kept = (await bucket.read(name, 100))?.toString();
    // an answer that got lost on its way leaves no winner, and one of the texts
    const isOne = winners.length === 1 ? kept === winners[0] : winners.length === 0 && texts.includes(kept ?? '');
    return isOne && late === 'there' ? 'one-wins' : 'all-win';
  } catch (error) {
    if (error instanceof RemoteError && error.trouble === 'unable') return 'unable';
    throw error;
  } finally {
    await bucket.remove(name).catch(() => {});
  }
}
