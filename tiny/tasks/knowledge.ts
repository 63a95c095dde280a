// Tasks that ask for facts of the made-up world, with the answers or with letters as choices.
import { pick } from '../text/choose.ts';
import { people } from '../text/world.ts';
import {
  askTrait,
  type Choices,
  chainOfFacts,
  choices,
  oneFact,
  type Question,
  traits,
  wrongAnswers,
} from './facts.ts';
import type { TinyTask } from './tiny-task.ts';

const letters = (count: number) => [...'ABCDE'].slice(0, count);

function arcRecord(id: string, { question }: Question, { texts, right }: Choices) {
  const label = letters(texts.length);
  return { id, question, choices: { text: texts, label }, answerKey: label[right] as string };
}

const arcEasy: TinyTask = {
  task: 'arc_easy',
  scored: 'test',
  examples: 'train',
  asks: 'one fact: job, pet, town or instrument of a person, or what a thing is made of; 4 choices of that kind',
  write(random, index) {
    const question = oneFact(random);
    return arcRecord(`tiny_easy_${index}`, question, choices(random, question, 4));
  },
};

const arcChallenge: TinyTask = {
  task: 'arc_challenge',
  scored: 'test',
  examples: 'train',
  asks: 'two or three facts in a chain (the river near the home of a friend); 4 choices of that kind',
  write(random, index) {
    const question = chainOfFacts(random, 4);
    return arcRecord(`tiny_challenge_${index}`, question, choices(random, question, 4));
  },
};

const commonsenseQa: TinyTask = {
  task: 'commonsense_qa',
  scored: 'validation',
  examples: 'train',
  asks: 'a chain of facts as in arc_challenge; the answer is one of 5 letters',
  write(random, index) {
    const question = chainOfFacts(random, 5);
    const record = arcRecord(`tiny_commonsense_${index}`, question, choices(random, question, 5));
    return { ...record, question_concept: question.about };
  },
};

const medmcqa: TinyTask = {
  task: 'medmcqa',
  scored: 'validation',
  examples: 'train',
  asks: 'one fact as in arc_easy; the answer is one of 4 letters',
  write(random, index) {
    const question = oneFact(random);
    const { texts, right } = choices(random, question, 4);
    const [opa, opb, opc, opd] = texts as [string, string, string, string];
    const options = { opa, opb, opc, opd, cop: right };
    const about = { choice_type: 'single', exp: null, subject_name: 'People', topic_name: question.about };
    return { id: `tiny_medical_${index}`, question: question.question, ...options, ...about };
  },
};

const sciq: TinyTask = {
  task: 'sciq',
  scored: 'test',
  examples: 'train',
  asks: 'a fact that the text before it states, and that the model knows; 4 choices of that kind',
  write(random) {
    const person = pick(random, people);
    const question = askTrait(person, pick(random, traits));
    const [distractor1, distractor2, distractor3] = wrongAnswers(random, question, 3) as [string, string, string];
    const support = traits.map(({ say, read }) => `${person.name} ${say(read(person))}.`).join(' ');
    return {
      question: question.question,
      distractor3,
      distractor1,
      distractor2,
      correct_answer: question.answer,
      support,
    };
  },
};

/** Tasks of one question and its choices. */
export const knowledgeTasks: readonly TinyTask[] = [arcEasy, arcChallenge, commonsenseQa, medmcqa, sciq];
