// Tasks of arithmetic, counting and logic: a number among five, a worked solution, a chain of thought.
import type { Random } from '../../util/random.ts';
import { exercise } from '../text/arxiv-math.ts';
import { between, pickSome } from '../text/choose.ts';
import { goods } from '../text/world.ts';
import { placed } from './facts.ts';
import type { TinyTask } from './tiny-task.ts';

/** An exercise of the generated text, and its result: the last number of the answer. */
function solved(random: Random) {
  const { question, answer } = exercise(random);
  return { question, answer, result: Number(answer.match(/\d+/g)?.at(-1)) };
}

const mathqa: TinyTask = {
  task: 'mathqa',
  scored: 'test',
  examples: 'train',
  asks: 'the result of an exercise of arithmetic, without steps; 5 numbers, none further off than 9',
  write(random) {
    const { question, answer, result } = solved(random);
    const near = Array.from({ length: 19 }, (_, i) => result - 9 + i).filter((n) => n >= 0 && n !== result);
    const { texts, right } = placed(random, String(result), pickSome(random, near, 4).map(String));
    const options = texts.map((text, i) => `${'abcde'.charAt(i)} ) ${text}`).join(' , ');
    const nothing = { annotated_formula: '', linear_formula: '', category: 'general' };
    return { Problem: question, Rationale: answer, options, correct: 'abcde'.charAt(right), ...nothing };
  },
};

const gsm8k: TinyTask = {
  task: 'gsm8k',
  scored: 'test',
  examples: 'train',
  asks: 'the same exercises; the solution is written out after examples of solutions',
  write(random) {
    const { question, answer, result } = solved(random);
    return { question, answer: `${answer}\n#### ${result}` };
  },
};

const booleanExpressions: TinyTask = {
  task: 'bbh_cot_fewshot_boolean_expressions',
  scored: 'test',
  asks: 'the value of a logical expression, after examples of reasoning',
  write(random) {
    const { text, value } = expression(random, 2);
    return { input: `${text} is`, target: value ? 'True' : 'False' };
  },
};

function expression(random: Random, depth: number): { text: string; value: boolean } {
  if (depth === 0) {
    const value = random.below(2) === 0;
    return { text: value ? 'True' : 'False', value };
  }
  const left = expression(random, depth - 1);
  if (random.below(3) === 0) return { text: `not ( ${left.text} )`, value: !left.value };
  const right = expression(random, depth - 1);
  const isAnd = random.below(2) === 0;
  const value = isAnd ? left.value && right.value : left.value || right.value;
  return { text: `( ${left.text} ${isAnd ? 'and' : 'or'} ${right.text} )`, value };
}

const numbers = ['a', 'two', 'three', 'four', 'five'];

const objectCounting: TinyTask = {
  task: 'bbh_cot_fewshot_object_counting',
  scored: 'test',
  asks: 'how many things are listed, after examples of reasoning',
  write(random) {
    const counted = pickSome(random, goods, between(random, 2, 4)).map(({ name }) => {
      const count = between(random, 1, numbers.length);
      return { text: `${numbers[count - 1]} ${name}${count === 1 ? '' : 's'}`, count };
    });
    const texts = counted.map(({ text }) => text);
    const total = counted.reduce((sum, { count }) => sum + count, 0);
    return {
      input: `I have ${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}. How many objects do I have?`,
      target: String(total),
    };
  },
};

/** Tasks that want steps. */
export const reasoningTasks: readonly TinyTask[] = [mathqa, gsm8k, booleanExpressions, objectCounting];
