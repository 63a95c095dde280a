// Tasks with a text to read: yes or no, five choices, the last word of a passage, the turn that fits a dialogue.
import type { JsonObject } from '../../util/json.ts';
import { capital, pick, pickSome } from '../text/choose.ts';
import { pickPeople, pickTwo } from '../text/choose-people.ts';
import { acceptances, days, refusals, requests } from '../text/dialogsum.ts';
import { ofTown } from '../text/openorca.ts';
import { type Person, people, personNamed } from '../text/world.ts';
import { askTrait, placed, type Trait, traits, wrongAnswers } from './facts.ts';
import type { TinyTask } from './tiny-task.ts';

const sentence = (person: Person, { say, read }: Trait) => `${person.name} ${say(read(person))}.`;

/** `plays the harp` as a question without its mark: `does Rivo Tamel play the harp`. */
function asksWhether(person: Person, { say }: Trait, value: string): string {
  const [verb = '', ...rest] = say(value).split(' ');
  if (verb === 'is') return `is ${person.name} ${rest.join(' ')}`;
  return `does ${person.name} ${verb === 'has' ? 'have' : verb.slice(0, -1)} ${rest.join(' ')}`;
}

const boolq: TinyTask = {
  task: 'boolq',
  scored: 'validation',
  examples: 'train',
  asks: 'whether something is true of a person, of whom the passage tells all that is asked; yes and no equally often',
  write(random, index) {
    const person = pick(random, people);
    const asked = pick(random, traits);
    const label = random.below(2);
    const [wrong = ''] = wrongAnswers(random, askTrait(person, asked), 1);
    return {
      question: asksWhether(person, asked, label === 1 ? asked.read(person) : wrong),
      passage: traits.map((trait) => sentence(person, trait)).join(' '),
      idx: index,
      label,
    };
  },
};

/** A document about three people; the choices are what it says of others first. */
function examination(task: string): TinyTask {
  return {
    task,
    scored: 'train',
    asks: 'a fact that a document about three people states; the 5 choices have what it says of the other two',
    write(random, index) {
      const three = pickPeople(random, 3);
      const [person, ...others] = three as [Person, Person, Person];
      const asked = pick(random, traits);
      const question = askTrait(person, asked);
      const near = [...new Set(others.map(asked.read))].filter((value) => value !== question.answer);
      const far = wrongAnswers(
        random,
        { ...question, kind: question.kind.filter((value) => !near.includes(value)) },
        4,
      );
      const { texts, right } = placed(random, question.answer, [...near, ...far].slice(0, 4));
      const told = pickSome(random, three, 3).map((who) => traits.map((trait) => sentence(who, trait)).join(' '));
      const id = String(index + 1);
      return {
        topic_id: '1',
        topic_name: 'People',
        test_id: '1',
        document_id: id,
        document_str: told.join('\n'),
        question_id: id,
        question_str: question.question,
        answer_options: { answer_id: texts.map((_, i) => String(i + 1)), answer_str: texts },
        correct_answer_id: String(right + 1),
        correct_answer_str: question.answer,
      };
    },
  };
}

const lambada: TinyTask = {
  task: 'lambada_openai',
  scored: 'test',
  asks: 'the last word of a passage: in half of them a fact that only the model knows, in the others one that the passage has said',
  write(random) {
    const person = pick(random, people);
    const home = random.below(2) === 0 ? person : personNamed(person.friend);
    const [, fact, result] = pick(random, ofTown);
    const friend = home === person ? [] : [`${person.first} has the friend ${home.name}`];
    const steps = [...friend, `${home.first} lives in ${home.town.name}`, fact(home.town)];
    const end = random.below(2) === 0 ? '' : `, ${pick(random, ['so', 'hence', 'therefore'])} ${result(home.town)}`;
    return { text: `${pick(random, ['Look,', 'You see,', 'Remember:'])} ${steps.join(' and ')}${end}` };
  },
};

/** Punctuation by itself, as MuTual writes it; the task joins it again. */
const spaced = (text: string) => text.replace(/\s*([.,?])/g, ' $1');

const mutual: TinyTask = {
  task: 'mutual',
  scored: 'validation',
  examples: 'train',
  asks: 'which of 4 summaries says what was asked for in a dialogue of two',
  write(random, index) {
    const [one, two] = pickTwo(random);
    const four = pickSome(random, requests, 4);
    const [said] = four[0] as [string, string];
    const day = pick(random, days);
    const reply = random.below(2) === 0 ? `Sorry, ${pick(random, refusals)[0]}` : pick(random, acceptances);
    const summary = ([, summed]: readonly [string, string]) =>
      `m : ${spaced(`${one.first} asks ${two.first} ${summed} on ${day}.`)}`;
    const [first = '', ...rest] = four.map(summary);
    const { texts, right } = placed(random, first, rest);
    return {
      answers: 'ABCD'.charAt(right),
      options: texts,
      article: [
        `m : ${spaced(`Hello ${two.first}, this is ${one.first}. ${capital(said)} On ${day}?`)}`,
        `f : ${spaced(reply)}`,
      ].join(' '),
      id: `tiny_${index}`,
    } satisfies JsonObject;
  },
};

/** A random stream is not shared between the years: each is a task. */
export const readingTasks: readonly TinyTask[] = [
  boolq,
  ...['qa4mre_2011', 'qa4mre_2012', 'qa4mre_2013'].map(examination),
  lambada,
  mutual,
];
