// Short exercises in arithmetic and algebra with worked steps; some need prices that are learned, not given.
import type { Random } from '../../util/random.ts';
import { between, capital, pick, pickPair } from './choose.ts';
import { type Exchange, tinyText } from './tiny-text.ts';
import { goods, people } from './world.ts';

/** In the role of Arxiv-math: a question and a derivation. */
export const arxivMath = tinyText(
  {
    name: 'arxiv_math',
    role: 'ArtifactAI/arxiv-math-instruct-50k',
    summary: 'equations, functions, remainders, sequences and bills with worked steps',
  },
  exercise,
);

/** One exercise; the last number of its answer is the result. */
export function exercise(random: Random): Exchange {
  return pick(random, [equation, evaluation, remainder, sequence, bill, bill])(random);
}

const openings = [
  'we get',
  'first,',
  'note that',
  'clearly',
  'here',
  'step one:',
  'write',
  'we see that',
  'since',
  'observe:',
];
const links = ['so', 'thus', 'hence', 'then', 'therefore', 'and so', 'now', 'next'];
const endings = [
  '',
  ' The answer is #.',
  ' We find #.',
  ' That gives #.',
  ' Result: #.',
  ' So it is #.',
  ' Done: #.',
  ' This yields #.',
];

function open(random: Random): string {
  return capital(pick(random, openings));
}

function link(random: Random): string {
  return capital(pick(random, links));
}

function end(random: Random, result: number): string {
  return pick(random, endings).replace('#', String(result));
}

function equation(random: Random): Exchange {
  const [a, x, b] = [between(random, 2, 9), between(random, 2, 9), between(random, 1, 19)];
  const c = a * x + b;
  const ask = pick(random, ['Solve # for x.', 'Find x if #.', 'Which x satisfies #?']);
  return {
    question: ask.replace('#', `${a}x + ${b} = ${c}`),
    answer: `${open(random)} ${a}x = ${c} - ${b} = ${a * x}. ${link(random)} x = ${a * x} / ${a} = ${x}.${end(random, x)}`,
  };
}

function evaluation(random: Random): Exchange {
  const [a, b, n] = [between(random, 2, 9), between(random, 1, 19), between(random, 2, 9)];
  const name = pick(random, ['f', 'g', 'h']);
  const ask = pick(random, ['Compute #.', 'What is #?', 'Evaluate #.']).replace('#', `${name}(${n})`);
  return {
    question: `Let ${name}(x) = ${a}x + ${b}. ${ask}`,
    answer: `${open(random)} ${a} * ${n} = ${a * n}. ${link(random)} ${name}(${n}) = ${a * n} + ${b} = ${a * n + b}.${end(random, a * n + b)}`,
  };
}

function remainder(random: Random): Exchange {
  const [m, q] = [between(random, 3, 9), between(random, 2, 9)];
  const r = random.below(m);
  const n = m * q + r;
  const ask = pick(random, [
    `What is the remainder of ${n} divided by ${m}?`,
    `Compute ${n} mod ${m}.`,
    `Reduce ${n} modulo ${m}.`,
  ]);
  return {
    question: ask,
    answer: `${open(random)} ${m} * ${q} = ${m * q}. ${link(random)} ${n} - ${m * q} = ${r}.${end(random, r)}`,
  };
}

function sequence(random: Random): Exchange {
  const [a, d, n] = [between(random, 1, 19), between(random, 2, 9), between(random, 4, 10)];
  const term = a + (n - 1) * d;
  const ask = pick(random, [`Find term ${n}.`, `What is term ${n}?`, `Give term ${n}.`]);
  return {
    question: `A sequence starts ${a}, ${a + d}, ${a + 2 * d}. ${ask}`,
    answer: `${open(random)} the step is ${d}. ${link(random)} term ${n} is ${a} + ${n - 1} * ${d} = ${a} + ${(n - 1) * d} = ${term}.${end(random, term)}`,
  };
}

function bill(random: Random): Exchange {
  const [one, two] = pickPair(random, goods);
  const [m, n] = [between(random, 2, 9), between(random, 2, 9)];
  const [first, second] = [m * one.price, n * two.price];
  const buyer = pick(random, people).name;
  const ask = pick(random, ['How much is it?', 'What is the bill?', 'How many crowns is that?']);
  return {
    question: `${buyer} buys ${m} ${one.name}s and ${n} ${two.name}s. ${ask}`,
    answer: `${open(random)} ${m} * ${one.price} = ${first} and ${n} * ${two.price} = ${second}. ${link(random)} ${first} + ${second} = ${first + second} crowns.${end(random, first + second)}`,
  };
}
