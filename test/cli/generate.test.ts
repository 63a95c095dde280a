// `lamina generate`: what it prints, which model a name means, and how it ends.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generate } from '../../cli/commands/generate.ts';
import type { Context } from '../../cli/common/context.ts';
import type { GenerateFlags } from '../../cli/common/flags.ts';
import { threadsRemark } from '../../cli/common/remarks.ts';
import type { Output } from '../../cli/common/terminal.ts';
import { refuseTooLarge } from '../../cli/generate/memory.ts';
import { createAnswers, createMeter } from '../../cli/generate/text.ts';
import { createModel } from '../../model/forward/model.ts';
import { generateAll, generate as generateTokens } from '../../model/generate/generate.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import { replacementMap } from '../../model/sharing/sharing.ts';
import { plainPaint } from '../../report/numbers/paint.ts';
import { openModelFolder } from '../../stages/common/model-input.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { filesBelow } from '../e2e/store-files.ts';
import { lamina } from './in-process.ts';
import { laminaProcess, realProgram, start, workFolder } from './program.ts';

const root = resolve(import.meta.dirname, '../..');
const tiny = join(root, 'models/tiny');
const quickstart = join(root, 'experiments/quickstart.yaml');
const folder = workFolder();
afterAll(() => folder.remove());

const given = (flags: Partial<GenerateFlags>): GenerateFlags => ({
  ...{ prompt: ['x'], maxTokens: 1, stop: [], temperature: 0, topP: 1, topK: 0, seed: 0, set: [], only: [] },
  store: join(folder.path, 'store'),
  ...flags,
});

/** Runs the command in this process. */
async function said(names: [string, string?], flags: Partial<GenerateFlags>): Promise<{ out: string; err: string }> {
  const text = { out: '', err: '' };
  const output = (stream: 'out' | 'err') =>
    outputTo((part) => {
      text[stream] += part;
    });
  const context = { ...registry, terminal: { out: output('out'), err: output('err') } };
  await generate(names, given(flags), context as unknown as Context);
  return text;
}

const registry = { registry: async () => stageRegistry };
const outputTo = (write: Output['write']): Output => ({
  write,
  live: false,
  width: () => undefined,
  paint: plainPaint,
});

describe('a model folder', () => {
  test('answers on standard output, with what it took on standard error', async () => {
    const question = ['--prompt', 'Solve 3x + 5 = 20 for x.'];
    const { code, out, err } = await laminaProcess(folder.path, 'generate', tiny, ...question);
    expect(out).toMatch(/^\S.*3x = 20 - 5 = .*\n$/);
    expect(err).toMatch(/^19 tokens read in .* made in .* · ended by itself\n$/);
    expect(code).toBe(0);
  });

  test('gives JSON for programs; a seed gives the same text again', async () => {
    const flags = { template: 'none' as const, temperature: 1.5, maxTokens: 6, seed: 3, json: true };
    const [first, second] = [await said([tiny], flags), await said([tiny], flags)];
    const { model, answers } = JSON.parse(first.out);
    expect(model).toBe(tiny);
    expect(answers).toEqual(JSON.parse(second.out).answers);
    expect(Object.keys(answers[0])).toEqual(['prompt', 'text', 'finish', 'prompt_tokens', 'tokens']);
    expect(answers[0].tokens).toBeLessThanOrEqual(6);
    expect(first.err).toBe('');
  });

  test('is stopped by Ctrl-C with 130, and keeps what it has said', async () => {
    const args = ['--prompt', 'x', '--template', 'none', '--temperature', '3', '--max-tokens', '240', '--seed', '1'];
    const { child, ended } = start(realProgram, folder.path, 'generate', tiny, ...args);
    child.stdout?.once('data', () => child.kill('SIGINT'));
    const { code, out, err } = await ended;
    expect(code).toBe(130);
    expect(out).toMatch(/\n$/);
    expect(err).toMatch(/ · stopped\n$/);
  });

  test('counts the tokens of the answer, the first of which no step makes', async () => {
    const { err } = await said([tiny], { template: 'none', maxTokens: 1 });
    expect(err).toMatch(/ · 1 made · cut at its length\n$/);
  });

  test('is quiet when its reader goes away', () => {
    const command = `'${process.execPath}' '${realProgram}' generate '${tiny}' --template none --prompt x --temperature 2 | head -c 1`;
    const { stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    expect(stderr).not.toMatch(/EPIPE|Error|bug/);
  });
});

describe('a GGUF file', () => {
  const file = () => join(folder.path, 'gguf', 'model.gguf');
  beforeAll(async () => {
    const args = ['export', tiny, '--format', 'gguf', '--dtype', 'F32', '--to', join(folder.path, 'gguf')];
    expect((await lamina(folder.path, ...args)).code).toBe(0);
  });

  test('answers as the folder that it was made of', async () => {
    const answerOf = (model: string) =>
      laminaProcess(
        folder.path,
        'generate',
        model,
        '--prompt',
        'What is 2 + 3?',
        '--template',
        'tulu',
        '--max-tokens',
        '24',
      );
    const [answer, expected] = [await answerOf(file()), await answerOf(tiny)];
    expect([answer.code, answer.out]).toEqual([0, expected.out]);
    expect(expected.out.length).toBeGreaterThan(4);
  });

  test('that was cut is named with what is wrong with it', async () => {
    const path = join(folder.path, 'cut.gguf');
    writeFileSync(path, readFileSync(file()).subarray(0, 2000));
    const ended = await lamina(folder.path, 'generate', path, '--prompt', 'hi');
    expect(ended.code).toBe(2);
    expect(ended.err).toMatch(/^error {2}GGUF file '.*cut\.gguf'.*\n$/);
  });
});

describe('a checkpoint of a spec', () => {
  const pipeline = `pipeline: sharing
params: { model: { type: string, format: path } }
stages:
  base: { use: load, with: { path: "\${model}" } }
  shared: { use: share, in: { model: base }, with: { type: T_next } }
`;
  const spec = `experiment: sharing
pipeline: pipeline.yaml
profiles: { tiny: { default: true, params: { model: ${JSON.stringify(tiny)} } } }
targets: [shared]
`;

  test('is the base model with what the stage puts on it, once it has been run', async () => {
    writeFileSync(join(folder.path, 'pipeline.yaml'), pipeline);
    const path = join(folder.path, 'sharing.yaml');
    writeFileSync(path, spec);
    const question = 'Solve 3x + 5 = 20 for x.';
    const flags = { prompt: [question], maxTokens: 60, json: true };
    const first = `run it first with 'lamina run ${path} --store ${join(folder.path, 'store')}'`;
    await expect(said([path, 'shared'], flags)).rejects.toThrow(first);
    expect((await lamina(folder.path, 'run', path, '--store', 'store')).code).toBe(0);
    const { model, answers } = JSON.parse((await said([path, 'shared'], flags)).out);
    expect(model).toBe('shared on base');
    expect(answers[0].text).toBe(await sharedAnswer(question));
    const base = JSON.parse((await said([path, 'base'], flags)).out);
    expect([base.model, base.answers[0].text === answers[0].text]).toEqual(['base', false]);
    expect((await lamina(folder.path, 'copy', path, 'base', '--to', 'copied', '--store', 'store')).code).toBe(0);
    const copied = JSON.parse((await said([join(folder.path, 'copied/model.arrow')], flags)).out);
    expect(copied.answers).toEqual(base.answers);
    const largest =
      filesBelow(join(folder.path, 'store/cas')).sort((a, b) => statSync(b).size - statSync(a).size)[0] ?? '';
    chmodSync(largest, 0o644);
    const bytes = readFileSync(largest);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    writeFileSync(largest, bytes);
    const again = `lamina run ${path} --force base --store ${join(folder.path, 'store')}`;
    await expect(said([path, 'shared'], flags)).rejects.toThrow(
      `artifact 'model' of 'base' was changed on disk in the store: make it again with '${again}'`,
    );
    expect((await lamina(folder.path, ...again.split(' ').slice(1))).code).toBe(0);
    expect(JSON.parse((await said([path, 'base'], flags)).out).answers).toEqual(base.answers);
  });
});

describe('files beside the weights', () => {
  const beside = (name: string, files: Record<string, string>) => {
    const copy = join(folder.path, name);
    cpSync(tiny, copy, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(copy, file), text);
    return copy;
  };
  const flags = { prompt: ['Solve 3x + 5 = 20 for x.'], maxTokens: 8 };

  test('that are not honoured are said, with what asks for them', async () => {
    const model = beside('chat', {
      'chat_template.jinja':
        "{% for m in messages %}{{ '<|' + m.role + '|>\\n' + m.content + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
      'generation_config.json': '{"do_sample": true, "temperature": 0.6, "top_p": 0.9, "repetition_penalty": 1.2}',
    });
    const { err, out } = await said([model], flags);
    expect(err.split('\n').slice(0, -2)).toEqual([
      "! generation_config.json: 'repetition_penalty' (1.2) is not applied to what lamina generates",
      "the prompt is put into the model's own chat template ('--template tulu' for a model that was tuned in lamina's)",
      'the likeliest tokens are taken; generation_config.json would draw them: --temperature 0.6 --top-p 0.9',
    ]);
    expect(out).toBe((await said([tiny], flags)).out);
    const asked = await said([model], { ...flags, template: 'none', temperature: 0.6, topP: 0.9 });
    expect(asked.err).not.toMatch(/likeliest|own chat template/);
  });

  test("the model's own chat template is what the prompt is put into, unless another is asked for", async () => {
    const template = "<s>{{ messages[0].content }}!{{ messages | length }}{{ '</s>' if add_generation_prompt }}";
    const model = beside('own', { 'chat_template.jinja': template });
    const tokens = async (asked: Partial<GenerateFlags>) =>
      JSON.parse((await said([model], { ...flags, json: true, ...asked })).out).answers[0];
    const plain = async (prompt: string) =>
      JSON.parse((await said([tiny], { ...flags, json: true, template: 'none', prompt: [prompt] })).out).answers[0];
    expect((await tokens({})).text).toBe((await plain(`${flags.prompt[0]}!1</s>`)).text);
    expect(await tokens({ template: 'own' })).toEqual(await tokens({}));
    expect((await tokens({ system: 'S' })).text).toBe((await plain('S!2</s>')).text);
    expect(await tokens({ template: 'none' })).toEqual(await plain(flags.prompt[0] as string));
    const tulu = JSON.parse((await said([tiny], { ...flags, json: true })).out).answers[0];
    expect(await tokens({ template: 'tulu' })).toEqual(tulu);
    await expect(said([tiny], { ...flags, template: 'own' })).rejects.toThrow(
      "--template own: the model has no chat template, expected '--template tulu' or '--template none'",
    );
  });

  test('end an answer where generation_config.json says', async () => {
    const opened = await openModelFolder(tiny, () => {});
    const ids = opened.tokenizer.encode(`<|user|>\n${flags.prompt[0]}\n<|assistant|>\n`);
    const [plain] = await generateTokens(opened.model, opened.tokenizer, [{ ids, stop: [], max_tokens: 8 }]);
    opened.close();
    const third = plain?.ids[2] as number;
    const model = beside('ends', { 'generation_config.json': JSON.stringify({ eos_token_id: [1, third] }) });
    const { answers } = JSON.parse((await said([model], { ...flags, json: true })).out);
    expect(answers[0]).toMatchObject({ finish: 'end', tokens: plain?.ids.indexOf(third) });
  });

  test('an answer that the context ends is said to end there', async () => {
    const prompt = ['word '.repeat(126)];
    const { err } = await said([tiny], { prompt, template: 'none', maxTokens: 1000, stop: [] });
    expect(err).toMatch(/^an answer ends where the model's context does, before --max-tokens 1000$/m);
  });
});

/** What models/tiny says with T_next, made without a spec. */
async function sharedAnswer(question: string): Promise<string | undefined> {
  const { model, tokenizer, close } = await openModelFolder(tiny, () => {});
  const replacements = replacementsOf(replacementMap('T_next', model.config.num_hidden_layers));
  const shared = createModel(model.weights, { replacements, parameters: new Map() });
  const ids = tokenizer.encode(`<|user|>\n${question}\n<|assistant|>\n`);
  const [text] = await generateAll(shared, tokenizer, [{ ids, stop: [], max_tokens: 60 }]);
  shared.disposeFrames();
  close();
  return text;
}

describe('a mistake is named with the way out', () => {
  test.each<[string, string | undefined, Partial<GenerateFlags>, string]>([
    [
      'nowhere',
      undefined,
      {},
      "there is no model 'nowhere': expected a model folder, a GGUF file, an 'hf://' name, or a spec",
    ],
    [
      join(tiny, 'config.json/x'),
      undefined,
      {},
      `there is no model '${join(tiny, 'config.json/x')}': expected a model`,
    ],
    [
      join(tiny, 'model.safetensors'),
      undefined,
      {},
      "model.safetensors' is a file: expected a model folder, a GGUF file, an 'hf://'",
    ],
    [tiny, 'tuned', {}, "is a model by itself, so 'tuned' names nothing in it"],
    [tiny, undefined, { only: ['data=x'] }, '--only is for specs'],
    [quickstart, undefined, {}, "is a spec: name one of its stages ('base', "],
    [quickstart, 'tund', {}, "has no stage and no cell 'tund' (did you mean 'tuned'?)"],
    [quickstart, 'data', {}, "'data' has no model in it, expected 'base', "],
    [
      quickstart,
      'tuned',
      {},
      "'tuned' means 2 models ('tuned[data=arxiv_math] on base' or 'tuned[data=dialogsum] on base')",
    ],
    [quickstart, 'tuned', {}, 'pick one with --only, such as --only data=arxiv_math'],
    [quickstart, 'sharp,dialogsum', { set: ['rank=4'] }, "run it first with 'lamina run "],
  ])('%s %s', async (name, part, flags, message) => {
    const names: [string, string?] = part === undefined ? [name] : [name, part];
    await expect(said(names, flags)).rejects.toThrow(message);
  });

  test.each<[Partial<GenerateFlags>, string]>([
    [{ prompt: [] }, 'nothing to answer: give --prompt TEXT, or --prompt - for standard input'],
    [{ prompt: ['x', ' '] }, 'prompt 2 is empty'],
    [{ prompt: ['-', '-'] }, '--prompt - can be given only once'],
    [{ template: 'none', system: 'y' }, '--system has no place without a chat template'],
    [{ prompt: ['word '.repeat(300)] }, "leaves no room for an answer in the model's context of 256: shorten it"],
  ])('%j', async (flags, message) => {
    await expect(said([tiny], flags)).rejects.toThrow(message);
  });

  test('and exits with 2', async () => {
    const { code, out, err } = await lamina(folder.path, 'generate', tiny, '--prompt', 'x', '--top-p', '0');
    expect(err).toContain('expected a number above 0, at most 1');
    expect([code, out]).toEqual([2, '']);
  });
});

describe('answers that come side by side', () => {
  function printed(prompts: string[]): { answers: ReturnType<typeof createAnswers>; text(): string } {
    let text = '';
    const write = (part: string) => {
      text += part;
    };
    return { answers: createAnswers(prompts, outputTo(write)), text: () => text };
  }

  test('are printed in the order of their prompts', () => {
    const { answers, text } = printed(['first\nmore', 'second', 'third']);
    answers.add(1, 'b');
    answers.add(0, 'a');
    expect(text()).toBe('> first\na');
    answers.end(1);
    answers.add(0, 'a');
    answers.end(0);
    expect(text()).toBe('> first\naa\n\n> second\nb\n');
    answers.end(2);
    expect(text()).toBe('> first\naa\n\n> second\nb\n\n> third\n\n');
  });

  test('a single answer stands alone; one that is stopped ends its line', () => {
    const { answers, text } = printed(['only']);
    answers.add(0, 'a');
    answers.close();
    expect(text()).toBe('a\n');
  });

  test('are counted by what was read and what was made', () => {
    let clock = 0;
    const meter = createMeter(() => clock);
    meter.start();
    clock = 500;
    meter.observe('prefill', 100);
    clock = 1500;
    meter.observe('decode', 3);
    expect(meter.text(['end', 'length'], 4)).toBe(
      '100 tokens read in 0.50 s (200/s) · 4 made in 1.0 s (3.0/s) · 1 ended by itself, 1 cut at its length',
    );
  });
});

test('a model larger than memory is refused before a weight is read, by what its files hold', async () => {
  const files = [join(tiny, 'model.safetensors')];
  const model = { kind: 'folder', label: 'tiny' } as const;
  await expect(refuseTooLarge(model, files, 1e6)).rejects.toThrow(
    /^the weights of 'tiny' take \d[\d.]* MB in float32, and this machine has 1 MB of memory: choose a smaller model$/,
  );
  await refuseTooLarge(model, files, 100e6);
});

test('threads that the machine does not have are taken, and said to take turns', () => {
  expect(threadsRemark(8, 2)).toBe(
    '--threads 8 are more than the 2 cores here: they take turns, which is slower than --threads 2, and give the bytes of 8 threads',
  );
  expect([threadsRemark(2, 2), threadsRemark(undefined, 2)]).toEqual([undefined, undefined]);
});
