// Tasks in a chat template: the requests of lm-evaluation-harness 0.4.5, text for text (test/fixtures/tasks/make_chat.py).
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compileChatTemplate } from '../../python/chat/chat-template.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { prepareTask } from '../../tasks/score/prepare.ts';
import type { Request } from '../../tasks/score/requests.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures/tasks');

interface ChatRun {
  options: {
    num_fewshot: number;
    apply_chat_template: boolean;
    fewshot_as_multiturn?: boolean;
    system_instruction?: string;
  };
  /** Arguments of each request by task; null where the harness fails. */
  requests: Record<string, string[][] | null>;
}
const made: { template: string; limit: number; runs: ChatRun[] } = JSON.parse(
  readFileSync(join(fixtures, 'chat.json'), 'utf8'),
);
const template = compileChatTemplate(made.template, 'the template', { tokens: {} });

const cases = made.runs.flatMap(({ options, requests }) =>
  Object.entries(requests).map(([task, expected]) => ({ task, options, said: JSON.stringify(options), expected })),
);

describe('tasks in a chat template', () => {
  it.each(cases)('$task with $said: the texts of the harness', async ({ task, options, expected }) => {
    const folder = join(root, task.startsWith('extra') ? 'test/fixtures/tasks/extra' : 'tasks/definitions');
    const { tasks } = await selectTasks(await TaskFolder.open(folder), [task]);
    const { num_fewshot, system_instruction, apply_chat_template, fewshot_as_multiturn = false } = options;
    const render = (turns: readonly { role: string; content: string }[]) =>
      template.render(turns, { prompts: true }).text;
    const prepared = Promise.all(
      tasks.map((config) =>
        prepareTask(config, splitsIn(join(fixtures, 'data')), {
          ...{ num_fewshot, limit: made.limit, compat: true, harness: '0.4.5', fewshot_seed: 1234, bootstrap: 0 },
          system_instruction,
          chat: apply_chat_template ? { render, fewshot_as_multiturn } : undefined,
        }),
      ),
    );
    if (expected === null) return expect(prepared).rejects.toThrow('nothing is left for the chat template');
    const [{ records } = { records: [] }] = await prepared;
    expect(records.flatMap(({ requests }) => requests).map(textsOf)).toEqual(expected);
  });
});

function textsOf(request: Request): string[] {
  if (request.kind === 'rolling') return [request.text];
  return request.kind === 'generate' ? [request.context] : [request.context, request.continuation];
}
