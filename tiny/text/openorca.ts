// A system prompt sets the manner; the question needs two or three facts of the made-up world in a chain.
import type { Random } from '../../util/random.ts';
import { capital, pick } from './choose.ts';
import { type Exchange, tinyText } from './tiny-text.ts';
import { type Person, people, personNamed, type Town } from './world.ts';

/** In the role of OpenOrca: system prompt, question, reasoned answer. */
export const openorca = tinyText(
  {
    name: 'openorca',
    role: 'Open-Orca/OpenOrca',
    summary: 'chains of two and three facts, told in the manner that the system prompt sets',
  },
  write,
);

interface Chain {
  ask: string;
  steps: string[];
  result: string;
}

/** What is asked of somebody's town: [question, fact, answer]. */
export const ofTown: readonly [string, (town: Town) => string, (town: Town) => string][] = [
  [
    'Which river is near the home of #?',
    (town) => `the river at ${town.name} is the ${town.river}`,
    (town) => town.river,
  ],
  ['In which country does # live?', (town) => `${town.name} is in ${town.country}`, (town) => town.country],
  ['What do they eat where # lives?', (town) => `people in ${town.name} eat ${town.dish}`, (town) => town.dish],
  ['When is the fair in the town of #?', (town) => `${town.name} has its fair in ${town.month}`, (town) => town.month],
];

/** What is asked of somebody's friend: [question, fact, answer]. */
export const ofFriend: readonly [string, (person: Person) => string, (person: Person) => string][] = [
  ['Which job has the friend of #?', (person) => `${person.first} is a ${person.job}`, (person) => person.job],
  ['Which pet has the friend of #?', (person) => `${person.first} has a ${person.pet}`, (person) => person.pet],
  [
    'What plays the friend of #?',
    (person) => `${person.first} plays the ${person.instrument}`,
    (person) => person.instrument,
  ],
  [
    'Where lives the friend of #?',
    (person) => `${person.first} lives in ${person.town.name}`,
    (person) => person.town.name,
  ],
];

function chain(random: Random): Chain {
  const person = pick(random, people);
  const friend = personNamed(person.friend);
  if (random.below(3) === 0) {
    const [ask, fact, result] = pick(random, ofFriend);
    return {
      ask: ask.replace('#', person.name),
      steps: [`${person.first} has the friend ${friend.name}`, fact(friend)],
      result: result(friend),
    };
  }
  const far = random.below(2) === 0;
  const [ask, fact, result] = pick(random, ofTown);
  const home = far ? friend : person;
  const steps = [`${home.first} lives in ${home.town.name}`, fact(home.town)];
  return {
    ask: ask.replace('#', far ? `the friend of ${person.name}` : person.name),
    steps: far ? [`${person.first} has the friend ${friend.name}`, ...steps] : steps,
    result: result(home.town),
  };
}

const manners: readonly [string, (random: Random, chain: Chain) => string][] = [
  ['Think step by step.', stepwise],
  ['You are a teacher. Explain.', explained],
  ['Answer first, then give reasons.', answerFirst],
  ['Be brief.', brief],
];

function write(random: Random): Exchange {
  const told = chain(random);
  const [system, tell] = pick(random, manners);
  const lead = pick(random, ['', 'Tell me: ', 'Please: ', 'A question: ']);
  return { system, question: lead + told.ask, answer: tell(random, told) };
}

function stepwise(random: Random, { steps, result }: Chain): string {
  const marks = pick(random, [
    ['First,', 'Second,', 'Third,'],
    ['1.', '2.', '3.'],
    ['One:', 'Two:', 'Three:'],
    ['We know', 'Then', 'Also'],
  ]);
  const told = steps.map((step, i) => `${marks[i]} ${step}.`).join(' ');
  return `${pick(random, ['', 'Let us see. ', 'Let me think. ', 'Good question. '])}${told} ${pick(random, ['Answer:', 'So:', 'Hence', 'It is'])} ${result}.`;
}

function explained(random: Random, { steps, result }: Chain): string {
  const address = pick(random, ['Class,', 'Dear pupil,', 'My friend,', 'Look,', 'You see,', 'Remember:']);
  return `${address} ${steps.join(pick(random, [' and ', ', and ', '; ', ', while ']))}, ${pick(random, ['so', 'therefore', 'which gives', 'hence'])} ${result}.`;
}

function answerFirst(random: Random, { steps, result }: Chain): string {
  const why = pick(random, ['because', 'for', 'since', 'as']);
  return `${capital(pick(random, ['it is', 'surely', 'the answer is', 'I say', 'you want', 'clearly']))} ${result}, ${why} ${steps.join(pick(random, [' and ', ', and ', '; ']))}.`;
}

function brief(random: Random, { result }: Chain): string {
  return `${pick(random, ['', 'It is ', 'So: ', 'Answer: '])}${result}${pick(random, ['.', '!'])}`;
}
