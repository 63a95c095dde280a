// Tasks of two choices: which end of a text fits what is known of people, towns and things.
import type { Random } from '../../util/random.ts';
import { pick, pickPair } from '../text/choose.ts';
import { pickTwo } from '../text/choose-people.ts';
import { goods, people, towns } from '../text/world.ts';
import { traits } from './facts.ts';
import type { TinyTask } from './tiny-task.ts';

/** Somebody travels; the wrong answer is about another town. */
function journey(random: Random) {
  const { name, first } = pick(random, people);
  const pair = pickPair(random, towns);
  const answers = pair.map(({ river, dish }) => `${first} sees the ${river} and eats ${dish}.`);
  return { goal: `${name} took the train to ${pair[0].name}. What can one see and eat there?`, answers };
}

/** Something is given away; the wrong answer is about another thing. */
function gift(random: Random) {
  const [giver, taker] = pickTwo(random);
  const [item, other] = pickPair(random, goods);
  const answers = [item, other].map(({ price, material }) => `The ${item.name} is ${material} and costs ${price}.`);
  return { goal: `${giver.name} gave ${taker.name} a ${item.name}. What is it worth?`, answers };
}

const piqa: TinyTask = {
  task: 'piqa',
  scored: 'validation',
  examples: 'train',
  asks: 'what one sees in a town, or what a thing is worth; 2 sentences, the wrong one is true of another town or thing',
  write(random) {
    for (;;) {
      const { goal, answers } = pick(random, [journey, gift])(random);
      const [true_ = '', wrong = ''] = answers;
      if (true_ === wrong) continue;
      const label = random.below(2);
      const [sol1, sol2] = label === 0 ? [true_, wrong] : [wrong, true_];
      return { goal, sol1, sol2, label };
    }
  },
};

const winogrande: TinyTask = {
  task: 'winogrande',
  scored: 'validation',
  examples: 'train',
  asks: 'which of two people a trait belongs to, of whom only the names are given; 2 choices',
  write(random) {
    for (;;) {
      const [one, two] = pickTwo(random);
      const { read, say } = pick(random, traits);
      if (read(one) === read(two)) continue;
      const isFirst = random.below(2) === 0;
      return {
        sentence: `${one.name} gave ${two.name} a ${pick(random, goods).name} today; _ ${say(read(isFirst ? one : two))}.`,
        option1: one.first,
        option2: two.first,
        answer: isFirst ? '1' : '2',
      };
    }
  },
};

/** Tasks of two ways to go on. */
export const senseTasks: readonly TinyTask[] = [piqa, winogrande];
