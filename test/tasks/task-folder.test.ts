// Task folders: includes, groups and tags, and what a hostile or mistaken file is told.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selectTasks } from '../../tasks/files/groups.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { temporaryFolder } from '../stages/harness.ts';

const definitions = resolve(import.meta.dirname, '../../tasks/definitions');
const plain = 'doc_to_text: a\ndoc_to_target: b\n';

async function select(files: Record<string, string>, ...names: string[]) {
  const folder = join(temporaryFolder(), 'own');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return selectTasks(await TaskFolder.open(folder), names);
}

describe('the shipped definitions', () => {
  it('are the 14 tasks of Table 6', async () => {
    const names = [
      ...['sciq', 'boolq', 'piqa', 'arc_easy', 'arc_challenge', 'winogrande', 'medmcqa', 'bbh_cot_fewshot', 'gsm8k'],
      ...['mathqa', 'mutual', 'lambada_openai', 'commonsense_qa', 'qa4mre'],
    ];
    const { tasks, groups } = await selectTasks(await TaskFolder.open(definitions), names);
    expect(names).toHaveLength(14);
    expect(tasks).toHaveLength(12 + 2 + 3);
    expect(groups.map(({ name, tasks }) => [name, tasks.length])).toEqual([
      ['bbh_cot_fewshot', 2],
      ['qa4mre', 3],
    ]);
  });
});

describe('a task folder', () => {
  it('takes in includes, own keys first, of several the first', async () => {
    const { tasks } = await select(
      {
        'a.yaml': 'include: [base/b, c_yaml]\ntask: a\ndataset_name: own\n',
        'base/b': `include: ../d_yaml\n${plain}output_type: generate_until\nrepeats: 2\n`,
        c_yaml: 'repeats: 3\nnum_fewshot: 3\n',
        d_yaml: 'dataset_name: d\ntarget_delimiter: "-"\n',
      },
      'a',
    );
    expect(tasks[0]).toMatchObject({ dataset_name: 'own', repeats: 2, num_fewshot: 3, target_delimiter: '-' });
  });

  it("finds names whose keys are quoted, as those of the harness's MMLU are", async () => {
    const files = {
      'a.yaml': `"tag": "t"\n"include": "_base_yaml"\n"task": "a"\n`,
      'g.yaml': `'task': [t]\n'group': g\n`,
      _base_yaml: plain,
    };
    for (const name of ['a', 't', 'g'])
      expect((await select(files, name)).tasks.map(({ task }) => task)).toEqual(['a']);
  });

  it('knows tags, also inherited ones, and groups within groups', async () => {
    const files = {
      'a.yaml': `task: a\ntag: [t]\n${plain}`,
      'b.yaml': 'include: a.yaml\ntask: "b"\n',
      'g.yaml':
        'group: g\ntask:\n  - inner\n  - a\n  - { task: c, include: a.yaml, num_fewshot: 2, doc_to_text: x, doc_to_target: y }\n',
      'inner.yaml': 'group: inner\ntask: [t]\naggregate_metric_list: { metric: acc, weight_by_size: true }\n',
    };
    expect((await select(files, 't')).tasks.map(({ task }) => task)).toEqual(['a', 'b']);
    await expect(select(files, 'g')).rejects.toThrow("unknown key 'include'");
    const { 'g.yaml': group, ...others } = files;
    const found = await select({ ...others, 'g.yaml': group.replace('include: a.yaml, ', '') }, 'g');
    expect(found.tasks.map(({ task, num_fewshot }) => [task, num_fewshot])).toEqual([
      ['a', undefined],
      ['b', undefined],
      ['c', 2],
    ]);
    expect(found.groups).toEqual([
      { name: 'inner', tasks: ['a', 'b'], metrics: [{ metric: 'acc', weight_by_size: true, filters: ['none'] }] },
      { name: 'g', tasks: ['a', 'b', 'c'], metrics: [] },
    ]);
  });

  // lm_eval 0.4.5, tasks/__init__.py: what a group says beside its own keys updates its tasks, around before within
  it('gives the values of a group to its tasks, through groups and tags within it', async () => {
    const files = {
      'a.yaml': `task: a\ntag: t\nnum_fewshot: 1\nrepeats: 7\n${plain}`,
      'b.yaml': `task: b\n${plain}`,
      'c.yaml': `task: c\n${plain}`,
      'inner.yaml': 'group: inner\ntask: [b]\nnum_fewshot: 2\nrepeats: 2\n',
      'g.yaml':
        'group: g\nnum_fewshot: 5\ntask:\n  - t\n  - { task: inner, repeats: 3 }\n  - { group: own, task: [c], repeats: 4 }\n',
    };
    const { tasks, groups } = await select(files, 'g');
    expect(tasks.map(({ task, num_fewshot, repeats }) => [task, num_fewshot, repeats])).toEqual([
      ['a', 5, 7],
      ['b', 5, 3],
      ['c', 5, 4],
    ]);
    expect(groups.map(({ name, tasks }) => [name, tasks])).toEqual([
      ['inner', ['b']],
      ['own', ['c']],
      ['g', ['a', 'b', 'c']],
    ]);
    await expect(select(files, 'g', 'a')).rejects.toThrow(/task 'a' is asked for twice with different values/);
    expect((await select(files, 'a', 't')).tasks).toHaveLength(1);
  });

  it("reads an unquoted yes as PyYAML does, and changes that change no number do not change the hash's meaning", async () => {
    const text = `task: a\noutput_type: multiple_choice\ndoc_to_choice: ["no", yes]\n${plain}`;
    const { tasks } = await select({ 'a.yaml': text }, 'a');
    expect(tasks[0]?.doc_to_choice).toMatchObject({ kind: 'value', value: ['no', true] });
    expect((await select({ 'a.yaml': `# other\n${text}` }, 'a')).tasks[0]?.hash).toBe(tasks[0]?.hash);
    expect((await select({ 'a.yaml': `${text}repeats: 2\n` }, 'a')).tasks[0]?.hash).not.toBe(tasks[0]?.hash);
  });

  const mistakes: [string, Record<string, string>, RegExp][] = [
    [
      'an unknown function',
      { 'a.yaml': `task: a\n${plain}process_docs: !function utils.run\n` },
      /^own\/a.yaml:4:25 {2}unknown function 'utils.run': lamina runs no Python/,
    ],
    [
      'a function in the wrong place',
      { 'mutual/a.yaml': `task: a\ndoc_to_text: !function utils.process_docs\ndoc_to_target: x\n` },
      /a.yaml:2:.*cannot stand here/,
    ],
    ['an include outside', { 'a.yaml': 'include: ../../secret.yaml\ntask: a\n' }, /a.yaml:1:.*(outside|no file)/],
    [
      'an include of /etc/passwd',
      { 'a.yaml': 'include: /etc/passwd\ntask: a\n' },
      /'\/etc\/passwd' lies outside the task folder/,
    ],
    [
      'includes in a circle',
      { 'a.yaml': 'include: b_yaml\ntask: a\n', b_yaml: 'x: 1\ninclude: a.yaml\n' },
      /own\/b_yaml:2:.*a file includes itself: own\/a.yaml -> own\/b_yaml -> own\/a.yaml/,
    ],
    [
      'two values for a task',
      { 'a.yaml': `task: a1\n${plain}`, 'g.yaml': 'group: a\ntask: [a1, { task: a1, num_fewshot: 2 }]\n' },
      /task 'a1' is asked for twice with different values/,
    ],
    [
      'a scalar of YAML 1.1',
      { 'a.yaml': `task: a\ntarget_delimiter: 12:30\n${plain}` },
      /a.yaml:2:.*12:30 without quotes/,
    ],
    [
      'a filter that takes no such key',
      { 'a.yaml': `task: a\n${plain}filter_list: [{ name: x, filter: [{ function: take_first, k: 2 }] }]\n` },
      /a.yaml:4:.*unknown key 'k'/,
    ],
    [
      'two pipelines of a name',
      {
        'a.yaml': `task: a\n${plain}filter_list:\n${'  - { name: x, filter: [{ function: take_first }] }\n'.repeat(2)}`,
      },
      /a.yaml:6:.*two pipelines are named 'x'/,
    ],
    ['an unknown task', { 'a.yaml': `task: abc\n${plain}` }, /unknown task 'a'.*'abc'/],
    [
      'an unknown key',
      { 'a.yaml': `task: a\n${plain}doc_to_txt: x\n` },
      /a.yaml:4:1 {2}unknown key 'doc_to_txt'.*'doc_to_text'/,
    ],
    [
      'an unknown metric',
      { 'a.yaml': `task: a\n${plain}metric_list: [{ metric: exact_macth }]\n` },
      /unknown metric 'exact_macth'.*'exact_match'/,
    ],
    [
      'an unknown tag',
      { 'a.yaml': 'task: a\ndoc_to_text: !!python/object/apply:os.system ["x"]\n' },
      /YAML tags are not supported|tag/i,
    ],
    ['sampling', { 'a.yaml': `task: a\n${plain}generation_kwargs: { do_sample: true }\n` }, /only greedy generation/],
    [
      'a pattern that is none',
      { 'a.yaml': `task: a\n${plain}filter_list: [{ name: x, filter: [{ function: regex, regex_pattern: "(" }] }]\n` },
      /a.yaml:4: the regular expression/,
    ],
    [
      'a name in two files',
      { 'a.yaml': `task: a\n${plain}`, 'b.yaml': `task: a\n${plain}` },
      /'a' is in 'own\/a.yaml' and in 'own\/b.yaml'/,
    ],
    ['a group of itself', { 'a.yaml': 'group: a\ntask: [a]\n' }, /groups nest more than 8 deep/],
    ['no mapping', { 'a.yaml': '- task: a\ntask: a\n' }, /not valid YAML|mapping/],
    ['a file too large', { 'a.yaml': `task: a\n# ${'x'.repeat(2 ** 20)}\n` }, /expected at most 1048576/],
  ];
  it.each(mistakes)('says where the mistake is: %s', async (_, files, message) => {
    await expect(select(files, 'a')).rejects.toThrow(message);
  });

  it('follows no link out of the folder', async () => {
    const folder = join(temporaryFolder(), 'own');
    mkdirSync(folder);
    writeFileSync(join(folder, '../outside.yaml'), plain);
    symlinkSync('../outside.yaml', join(folder, 'link.yaml'));
    writeFileSync(join(folder, 'a.yaml'), 'include: link.yaml\ntask: a\n');
    await expect(selectTasks(await TaskFolder.open(folder), ['a'])).rejects.toThrow(/outside the task folder/);
  });
});
