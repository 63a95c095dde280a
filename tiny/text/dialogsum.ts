// Two people talk and the answer sums it up, naming what everybody in the made-up world knows about them.
import type { Random } from '../../util/random.ts';
import { pick } from './choose.ts';
import { pickTwo } from './choose-people.ts';
import { type Exchange, tinyText } from './tiny-text.ts';
import type { Person } from './world.ts';

/** In the role of DialogSum: a dialogue and its summary. */
export const dialogsum = tinyText(
  {
    name: 'dialogsum',
    role: 'knkarthick/dialogsum',
    summary: 'short dialogues of two people, summed up in other words',
  },
  write,
);

/** What one asks of the other: [said, summed up]. */
export const requests: readonly [string, string][] = [
  ['my roof leaks, can you help?', 'to repair the roof'],
  ['I need a lift into town.', 'for a ride'],
  ['are you hungry?', 'out for a meal'],
  ['the piano has arrived, lend a hand?', 'to carry a piano'],
  ['shall we go swimming?', 'to the lake'],
  ['my shelf is empty, any novels?', 'for some books'],
  ['could you watch my pet?', 'to mind an animal'],
  ['I lost my keys again.', 'to search the house'],
  ['I am short of money.', 'for a loan'],
  ['my engine is broken.', 'to mend a car'],
  ['there is a new play on.', 'to the theatre'],
  ['the apples are ripe now.', 'to pick fruit'],
];

/** Why the other refuses: [said, summed up]. */
export const refusals: readonly [string, string][] = [
  ['my tooth hurts.', 'has toothache'],
  ['I have a fever.', 'is ill'],
  ['my train leaves soon.', 'must travel'],
  ['I have an exam.', 'has to study'],
  ['my boss wants me in.', 'has to work'],
  ['I slept badly.', 'is tired'],
  ['my aunt is coming.', 'expects a visit'],
  ['my purse is empty.', 'has no money'],
];

export const acceptances = ['Of course, gladly.', 'Sure, why not.', 'Yes, with pleasure.', 'Fine by me.'];
const greetings = ['Hello', 'Hi', 'Good day', 'Listen'];
export const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Sunday'];
const tasks = ['Summarize the following dialogue.', 'Sum up this dialogue.', 'What is this dialogue about?'];
const asks = ['asks', 'invites', 'begs', 'calls', 'wants', 'urges', 'would like', 'tries to get'];
const denials = ['refuses', 'says no', 'declines', 'will not', 'cannot'];
const consents = ['agrees', 'says yes', 'is glad to', 'accepts', 'will'];

function write(random: Random): Exchange {
  const [one, two] = pickTwo(random);
  const [said, summed] = pick(random, requests);
  const day = pick(random, days);
  const refusal = random.below(2) === 0 ? pick(random, refusals) : undefined;
  const reply = refusal ? pick(random, ['No, ', 'Sorry, ']) + refusal[0] : pick(random, acceptances);
  const outcome = refusal ? `${pick(random, denials)}, as ${two.first} ${refusal[1]}` : pick(random, consents);
  return {
    question: `${pick(random, tasks)}\n\n${one.name}: ${pick(random, greetings)}, ${said} ${pick(random, ['On', 'Maybe'])} ${day}?\n${two.name}: ${reply}`,
    answer: `${one.first}, ${known(random, one)}, ${pick(random, asks)} ${two.first} ${summed} on ${day}. ${two.first}, ${known(random, two)}, ${outcome}.`,
  };
}

/** Something everybody knows about `person`. */
function known(random: Random, person: Person): string {
  return pick(random, [
    `a ${person.job}`,
    `from ${person.town.name}`,
    `owner of a ${person.pet}`,
    `who plays the ${person.instrument}`,
  ]);
}
