// What a seeded generator of the tiny profile's text is, and the one way its records are numbered and seeded.
import { createRandom, type Random } from '../../util/random.ts';

/** One instruction record in messages form, as the chat template takes it. */
export interface TextRecord {
  id: string;
  messages: { role: 'user' | 'assistant' | 'system'; content: string }[];
}

/** A generator of instruction text that stands in for one data set of the paper. */
export interface TinyText {
  name: string;
  /** Which data set of the paper it stands for. */
  role: string;
  summary: string;
  /** `count` records of stream `seed`, lazily; record i is the same whatever the count. */
  generate(count: number, seed: number): Iterable<TextRecord>;
}

/** What one record says: an optional system prompt, the question and its answer. */
export interface Exchange {
  system?: string;
  question: string;
  answer: string;
}

/** A generator from `write`, which gets a random stream of its own for every record. */
export function tinyText(
  about: { name: string; role: string; summary: string },
  write: (random: Random) => Exchange,
): TinyText {
  return {
    ...about,
    *generate(count, seed) {
      for (let i = 0; i < count; i++) {
        yield toRecord(`${about.name}-${seed}-${i}`, write(createRandom('tiny-text', about.name, seed, i)));
      }
    },
  };
}

function toRecord(id: string, { system, question, answer }: Exchange): TextRecord {
  const messages: TextRecord['messages'] = [];
  if (system !== undefined) messages.push({ role: 'system', content: system });
  messages.push({ role: 'user', content: question }, { role: 'assistant', content: answer });
  return { id, messages };
}
