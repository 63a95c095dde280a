// What both sides of the task benchmark read: a model's folder with its tokenizer, and records in the layouts of the real data sets.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyTexts } from '../tiny/text/tiny-texts.ts';
import { UserError } from '../util/errors.ts';
import { createRandom } from '../util/random.ts';
import { root, workFolder } from './place.ts';
import { taskWorkloads } from './tasks-shape.ts';

/** Where the inputs lie. */
export interface TaskInputs {
  /** Its name in the result. */
  model: string;
  modelFolder: string;
  definitions: string;
  data: string;
  /** A folder for the answers of both sides. */
  answers: string;
}

/** A question and its answer. */
interface Exchange {
  question: string;
  answer: string;
}

const splits: Readonly<Record<string, readonly [scored: string, examples: string]>> = {
  commonsense_qa: ['validation', 'train'],
  arc_easy: ['test', 'train'],
  sciq: ['test', 'train'],
  piqa: ['validation', 'train'],
  lambada_openai: ['test', 'train'],
  gsm8k: ['test', 'train'],
};

/** Writes the inputs, the same ones each time. */
export function prepareTaskInputs(): TaskInputs {
  const folder = workFolder('tasks');
  const data = join(folder, 'data');
  for (const { task, records } of taskWorkloads) {
    for (const [i, split] of (splits[task] as readonly string[]).entries()) {
      mkdirSync(join(data, task), { recursive: true });
      const rows = Array.from({ length: records }, (_, k) => recordOf(task, i * records + k));
      writeFileSync(join(data, task, `${split}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    }
  }
  return {
    model: 'models/tiny',
    modelFolder: modelFolder(join(folder, 'model')),
    definitions: join(root, 'tasks', 'definitions'),
    data,
    answers: workFolder('tasks', 'answers'),
  };
}

/** models/tiny with the few words that transformers wants about its tokenizer. */
function modelFolder(folder: string): string {
  const shipped = join(root, 'models', 'tiny');
  mkdirSync(folder, { recursive: true });
  try {
    for (const name of ['model.safetensors', 'tokenizer.json', 'config.json'])
      copyFileSync(join(shipped, name), join(folder, name));
  } catch {
    throw new UserError(`the task benchmark runs the model in '${shipped}', which is not there`);
  }
  const tokenizer = { tokenizer_class: 'PreTrainedTokenizerFast', clean_up_tokenization_spaces: false };
  const tokens = { bos_token: '<s>', eos_token: '</s>', pad_token: '<pad>' };
  const { max_position_embeddings: model_max_length } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...tokenizer, ...tokens, model_max_length }));
  return folder;
}

/** Record `i` of a task, in the layout of its data set. */
function recordOf(task: string, i: number): object {
  const random = createRandom('bench', 'tasks', task, i);
  const [one, two, three, four] = [0, 1, 2, 3].map((k) => exchange('arxiv_math', 4 * i + k)) as [
    Exchange,
    Exchange,
    Exchange,
    Exchange,
  ];
  const texts = [one, two, three, four].map(({ answer }) => answer);
  if (task === 'sciq') return passageRecord(i);
  if (task === 'piqa') return { goal: one.question, sol1: one.answer, sol2: two.answer, label: 0 };
  if (task === 'lambada_openai') return { text: storyOf(i) };
  if (task === 'gsm8k') return workedRecord(i);
  const label = task === 'arc_easy' ? ['A', 'B', 'C', 'D'] : ['A', 'B', 'C', 'D', 'E'];
  const text = task === 'arc_easy' ? texts : label.map((_, k) => lastNumber(exchange('arxiv_math', 5 * i + k).answer));
  return { id: String(i), question: one.question, choices: { text, label }, answerKey: label[random.below(4)] };
}

function exchange(name: keyof typeof tinyTexts, i: number): Exchange {
  const [record] = [...tinyTexts[name].generate(i + 1, 0)].slice(-1);
  const [question, answer] = ['user', 'assistant'].map(
    (role) => record?.messages.find((message) => message.role === role)?.content as string,
  ) as [string, string];
  return { question, answer };
}

/** A dialogue and what is said to sum it up. */
function passageRecord(i: number): object {
  const [one, two, three, four] = [0, 1, 2, 3].map((k) => exchange('dialogsum', 4 * i + k)) as [
    Exchange,
    Exchange,
    Exchange,
    Exchange,
  ];
  return {
    support: `${one.question}\n${two.question}`,
    question: 'What is the first dialogue about?',
    correct_answer: one.answer,
    distractor1: two.answer,
    distractor2: three.answer,
    distractor3: four.answer,
  };
}

/** A text whose last word is asked for. */
function storyOf(i: number): string {
  const { question, answer } = exchange('dialogsum', i);
  return `${question} ${answer}`.replace(/[.\s]+$/, '');
}

/** A question with a worked answer and the marked result; of all texts these have the longest answers. */
function workedRecord(i: number): object {
  const { question, answer } = exchange('dialogsum', i);
  return { question, answer: `${answer}\n#### ${i % 10}` };
}

function lastNumber(text: string): string {
  return text.match(/-?\d+/g)?.at(-1) ?? '0';
}
