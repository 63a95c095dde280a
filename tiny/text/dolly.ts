// Questions with and without a passage: reading, classification and plain facts of the made-up world.
import type { Random } from '../../util/random.ts';
import { capital, pick, pickSome } from './choose.ts';
import { pickTwo } from './choose-people.ts';
import { type Exchange, tinyText } from './tiny-text.ts';
import { goods, materials, people, towns } from './world.ts';

/** In the role of Dolly: a question, perhaps with context, and a short reply. */
export const dolly = tinyText(
  {
    name: 'dolly',
    role: 'databricks/databricks-dolly-15k',
    summary: 'closed questions with context, classification and open questions',
  },
  (random) => pick(random, [journey, materialOf, residents, gift, profile])(random),
);

const openings = ['well,', 'as far as I know,', 'I think', 'it seems', 'surely', 'to be exact,', 'in short,', 'yes,'];
const closings = ['', ' That is certain.', ' Everyone knows that.', ' I am sure.', ' Ask there.'];

function open(random: Random): string {
  return capital(pick(random, openings));
}

/** The passage tells where; the answer must know the place. */
function journey(random: Random): Exchange {
  const person = pick(random, people);
  const town = pick(random, towns);
  const trip = pick(random, ['took the train to', 'walked to', 'sailed to', 'moved to']);
  const ask = pick(random, [
    'What can one see and eat there?',
    'Which river and which dish are there?',
    'What is there?',
  ]);
  return {
    question: `${person.name} ${trip} ${town.name}.\n\n${ask}`,
    answer: `${open(random)} ${person.first} ${pick(random, ['sees', 'finds', 'will see', 'meets'])} the ${town.river} and ${pick(random, ['eats', 'tastes', 'will eat'])} ${town.dish}.${pick(random, closings)}`,
  };
}

function materialOf(random: Random): Exchange {
  const chosen = pickSome(random, goods, 4);
  const material = chosen[random.below(4)]?.material ?? materials[0];
  const inside = chosen.filter((good) => good.material === material).map((good) => good.name);
  const outside = chosen.filter((good) => good.material !== material).map((good) => good.name);
  const verb = pick(random, ['made of', 'out of', 'of']);
  const rest =
    outside.length > 0 ? `; ${pick(random, ['not', 'but not', 'unlike', 'other than'])} ${outside.join(', ')}` : '';
  return {
    question: `${pick(random, ['Which are', 'Tell me which are', 'What is'])} made of ${material}: ${chosen.map((good) => good.name).join(', ')}?`,
    answer: `${open(random)} ${verb} ${material}: ${inside.join(', ')}${rest}.${pick(random, closings)}`,
  };
}

function residents(random: Random): Exchange {
  const [one, two] = pickTwo(random);
  const town = pick(random, [one, two]).town;
  const who = one.town === two.town ? 'both do' : `${(one.town === town ? one : two).first} does`;
  return {
    question: `Who lives in ${town.name}, ${one.name} or ${two.name}?`,
    answer: `${open(random)} ${who}: ${one.first} ${pick(random, ['lives in', 'is from', 'belongs to'])} ${one.town.name} and ${two.first} ${pick(random, ['to', 'in', 'from'])} ${two.town.name}.`,
  };
}

/** The passage names two people; the answer must know what they keep and play. */
function gift(random: Random): Exchange {
  const [giver, taker] = pickTwo(random);
  const item = pick(random, goods);
  const when = pick(random, ['at noon', 'last week', 'in spring', 'today']);
  return {
    question: `${giver.name} gave ${taker.name} a ${item.name} ${when}.\n\n${pick(random, ['What is it worth and who heard music?', 'Tell me about the gift.', 'What do we know?'])}`,
    answer: `${open(random)} the ${item.name} is ${item.material} and ${pick(random, ['costs', 'is worth', 'sells for'])} ${item.price}; ${giver.first} plays the ${giver.instrument}, ${taker.first} the ${taker.instrument}.${pick(random, closings)}`,
  };
}

function profile(random: Random): Exchange {
  const [one, two] = pickTwo(random);
  const [what, a, b] = pick(random, [
    ['job', one.job, two.job],
    ['pet', one.pet, two.pet],
    ['friend', one.friend, two.friend],
  ] as const);
  return {
    question: `${pick(random, ['Tell me the', 'Which is the', 'I want to know the'])} ${what} of ${one.name}, then of ${two.name}.`,
    answer: `${open(random)} ${pick(random, ['it is', 'we have', 'that is', 'you find'])} ${a} for ${one.first} and ${b} for ${two.first}.${pick(random, closings)}`,
  };
}
