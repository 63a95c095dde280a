// Facts of the made-up world as questions with one right answer and others of its kind, in the words of the generated text.
import type { Random } from '../../util/random.ts';
import { pick, pickSome } from '../text/choose.ts';
import { ofFriend, ofTown } from '../text/openorca.ts';
import { goods, materials, type Person, people, personNamed, towns } from '../text/world.ts';

/** A question about the world. */
export interface Question {
  /** What it is about, in one word. */
  about: string;
  question: string;
  answer: string;
  /** All answers of its kind. */
  kind: readonly string[];
}

/** Something that is true of a person, and how it is said. */
export interface Trait {
  title: string;
  read(person: Person): string;
  /** `plays the harp`, without who. */
  say(value: string): string;
  kind: readonly string[];
}

const different = (values: readonly string[]) => [...new Set(values)].sort();

function trait(title: string, read: (person: Person) => string, say: (value: string) => string): Trait {
  return { title, read, say, kind: different(people.map(read)) };
}

/** What text says of people in two words. */
export const traits: readonly Trait[] = [
  trait(
    'job',
    ({ job }) => job,
    (job) => `is a ${job}`,
  ),
  trait(
    'pet',
    ({ pet }) => pet,
    (pet) => `has a ${pet}`,
  ),
  trait(
    'town',
    ({ town }) => town.name,
    (town) => `lives in ${town}`,
  ),
  trait(
    'instrument',
    ({ instrument }) => instrument,
    (instrument) => `plays the ${instrument}`,
  ),
];

/** The question for a trait of `person`. */
export function askTrait(person: Person, { title, read, kind }: Trait): Question {
  return { about: title, question: `Which is the ${title} of ${person.name}?`, answer: read(person), kind };
}

/** One fact: a trait of somebody, or what something is made of. */
export function oneFact(random: Random): Question {
  if (random.below(5) > 0) return askTrait(pick(random, people), pick(random, traits));
  const { name, material } = pick(random, goods);
  return { about: 'material', question: `What is the ${name} made of?`, answer: material, kind: materials };
}

/** Two or three facts in a chain, asked as the generated text asks them, of a kind with at least `least` answers. */
export function chainOfFacts(random: Random, least: number): Question {
  for (;;) {
    const question = anyChain(random);
    if (question.kind.length >= least) return question;
  }
}

function anyChain(random: Random): Question {
  const person = pick(random, people);
  const friend = personNamed(person.friend);
  if (random.below(3) === 0) {
    const [ask, , result] = pick(random, ofFriend);
    const kind = different(people.map(result));
    return { about: 'friend', question: ask.replace('#', person.name), answer: result(friend), kind };
  }
  const isFar = random.below(2) === 0;
  const [ask, , result] = pick(random, ofTown);
  return {
    about: 'town',
    question: ask.replace('#', isFar ? `the friend of ${person.name}` : person.name),
    answer: result((isFar ? friend : person).town),
    kind: different(towns.map(result)),
  };
}

/** `count` wrong answers, no two alike. */
export function wrongAnswers(random: Random, { answer, kind }: Question, count: number): string[] {
  return pickSome(
    random,
    kind.filter((other) => other !== answer),
    count,
  );
}

/** Choices in which the right one stands at a random place. */
export interface Choices {
  texts: string[];
  right: number;
}

/** The right answer among `count - 1` wrong ones. */
export function choices(random: Random, question: Question, count: number): Choices {
  return placed(random, question.answer, wrongAnswers(random, question, count - 1));
}

/** `answer` put at a random place among `others`. */
export function placed(random: Random, answer: string, others: readonly string[]): Choices {
  const right = random.below(others.length + 1);
  return { texts: others.toSpliced(right, 0, answer), right };
}
