// Instructions over the tables of the made-up world: lists, comparisons, orderings, corrections, sketches.
import type { Random } from '../../util/random.ts';
import { pick, pickSome } from './choose.ts';
import { pickPeople, pickTwo } from './choose-people.ts';
import { type Exchange, tinyText } from './tiny-text.ts';
import { goods, type Person } from './world.ts';

/** In the role of GPT4-Alpaca: an instruction and what was asked for. */
export const gpt4Alpaca = tinyText(
  {
    name: 'gpt4_alpaca',
    role: 'GPT4-Alpaca',
    summary: 'lists, comparisons, orderings, corrections and sketches of people and goods',
  },
  (random) => pick(random, [list, comparison, ordering, correction, sketch])(random),
);

const columns: readonly [string, (person: Person) => string][] = [
  ['job', (person) => person.job],
  ['pet', (person) => person.pet],
  ['town', (person) => person.town.name],
  ['instrument', (person) => person.instrument],
  ['age', (person) => String(person.age)],
  ['friend', (person) => person.friend],
];

const leads = ['Here it is:', 'Sure:', 'Of course:', 'The list:', 'As asked:', 'Result:', 'Gladly:', 'Done:'];
const closings = ['', ' That is all.', ' I hope this helps.', ' Done.', ' Anything else?'];

function list(random: Random): Exchange {
  const [title, read] = pick(random, columns);
  const chosen = pickPeople(random, 3);
  const mark = pick(random, ['-', '*', '+', '>']);
  const names = `${chosen[0]?.name}, ${chosen[1]?.name} and ${chosen[2]?.name}`;
  return {
    question: `${pick(random, ['List', 'Give', 'Write down'])} the ${title} of ${names}.`,
    answer: `${pick(random, leads)}\n${chosen.map((person) => `${mark} ${person.first}: ${read(person)}`).join('\n')}`,
  };
}

function comparison(random: Random): Exchange {
  const [one, two] = pickTwo(random);
  const older = one.age === two.age ? 'both are equally old' : `${(one.age > two.age ? one : two).first} is older`;
  return {
    question: `${pick(random, ['Compare the ages of', 'Who is older among', 'Compare by age'])} ${one.name} and ${two.name}.`,
    answer: `${pick(random, leads)} ${one.first} is ${one.age} and ${two.first} is ${two.age}, ${pick(random, ['so', 'thus', 'hence', 'therefore'])} ${older}.${pick(random, closings)}`,
  };
}

function ordering(random: Random): Exchange {
  const chosen = pickSome(random, goods, 3);
  const sorted = [...chosen].sort((a, b) => a.price - b.price || (a.name < b.name ? -1 : 1));
  return {
    question: `${pick(random, ['Sort', 'Order', 'Rank'])} by price: ${chosen.map((good) => good.name).join(', ')}.`,
    answer: `${pick(random, leads)} ${sorted.map((good) => `${good.name} (${good.price})`).join(', ')}.${pick(random, closings)}`,
  };
}

function correction(random: Random): Exchange {
  const [title, read] = pick(random, columns);
  const [person, other] = pickTwo(random);
  const verdict =
    read(person) === read(other)
      ? pick(random, ['Right.', 'True.', 'Correct.'])
      : pick(random, ['Wrong.', 'False.', 'Not so.', 'No.']);
  return {
    question: `${pick(random, ['Check and correct', 'Correct if needed', 'Edit'])}: the ${title} of ${person.name} is ${read(other)}.`,
    answer: `${verdict} ${pick(random, ['The', 'In fact the', 'Indeed the', 'Note: the'])} ${title} of ${person.first} is ${read(person)}.${pick(random, closings)}`,
  };
}

function sketch(random: Random): Exchange {
  const [person, other] = pickTwo(random);
  const one = pick(random, ['a #', 'known as a #', 'by trade a #']).replace('#', person.job);
  const two = pick(random, ['living in #', 'from #', 'at home in #']).replace('#', person.town.name);
  const three = pick(random, [
    `friend of ${person.friend}`,
    `with a ${person.pet}`,
    `who plays the ${person.instrument}`,
  ]);
  return {
    question: `${pick(random, ['Describe', 'Write about', 'Sketch'])} ${person.name} ${pick(random, ['for', 'to'])} ${other.name}.`,
    answer: `${pick(random, ['Dear', 'Hello', 'Listen,', 'Well,'])} ${other.first}, ${person.first} is ${one} ${two}, ${three}.${pick(random, closings)}`,
  };
}
