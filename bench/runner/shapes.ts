// What the runners are given to do: tasks that write one small file each, in four shapes.

/** A program that writes its text and the number of bytes in the files that it reads. */
export interface Task {
  name: string;
  /** Names of tasks before it. */
  reads: readonly string[];
  text: string;
  /** A word in its program that changes nothing of what it writes. */
  note: string;
}

export const shapes = ['wide', 'chain', 'grid', 'layers'] as const;
export type Shape = (typeof shapes)[number];

export const shapeTexts: Readonly<Record<Shape, string>> = {
  wide: 'tasks that read nothing',
  chain: 'each task reads the one before',
  grid: 'three tasks for each value of one axis, one after the other',
  layers: 'layers of 32 tasks, each of which reads all 32 before it',
};

/** How many tasks a layer has. */
export const layerWidth = 32;

/**
 * About `count` tasks, feeders first: whole columns of the grid, whole layers. `leaf` gives the last task another text (in the grid the
 * last value of the axis, so three tasks), `root` gives the first task another note (in the grid
 * the first task of every value; nothing in `wide`, whose tasks are all roots).
 */
export function tasksOf(shape: Shape, count: number, edits: { leaf: number; root: number }): Task[] {
  const tasks = drawn(shape, count);
  const note = `again${edits.root}`;
  const last = shape === 'grid' ? tasks.length - 3 : tasks.length - 1;
  return tasks.map((task, i) => {
    const isRoot = shape === 'grid' ? i % 3 === 0 : shape !== 'wide' && i === 0;
    const text = i === last && edits.leaf > 0 ? `${task.text}x${edits.leaf}` : task.text;
    return { ...task, text, note: isRoot ? note : 'again0' };
  });
}

function drawn(shape: Shape, count: number): Task[] {
  const task = (name: string, reads: readonly string[], text = name): Task => ({ name, reads, text, note: '' });
  const numbers = (length: number) => [...Array(length).keys()];
  if (shape === 'wide') return numbers(count).map((i) => task(`t${i}`, []));
  if (shape === 'chain') return numbers(count).map((i) => task(`t${i}`, i === 0 ? [] : [`t${i - 1}`]));
  if (shape === 'grid')
    return numbers(Math.max(1, Math.round(count / 3))).flatMap((i) => [
      task(`a${i}`, [], `${i}`),
      task(`b${i}`, [`a${i}`], 'b'),
      task(`c${i}`, [`b${i}`], 'c'),
    ]);
  const layers = Math.max(1, Math.round(count / layerWidth));
  const named = (layer: number) => numbers(layerWidth).map((i) => `t${layer}_${i}`);
  return numbers(layers).flatMap((layer) =>
    named(layer).map((name) => task(name, layer === 0 ? [] : named(layer - 1))),
  );
}

/** What a task writes, by those before it: the number of bytes that it read, then its text. */
export function contentsOf(tasks: readonly Task[]): Map<string, string> {
  const contents = new Map<string, string>();
  for (const { name, reads, text } of tasks) {
    const bytes = reads.reduce((sum, read) => sum + (contents.get(read) as string).length, 0);
    contents.set(name, `${text}\n${bytes}\n`);
  }
  return contents;
}

/** Those that nobody reads. */
export function leavesOf(tasks: readonly Task[]): string[] {
  const read = new Set(tasks.flatMap(({ reads }) => reads));
  return tasks.flatMap(({ name }) => (read.has(name) ? [] : [name]));
}

/** What a task's program is, as a line for a shell; `text`, `note` and `output` are words of the shell, `inputs` any number of them. */
export function shellLine(words: { text: string; note: string; inputs: string; output: string }): string {
  return `(: ${words.note}; echo ${words.text}; cat /dev/null ${words.inputs} | wc -c) > ${words.output}`;
}
