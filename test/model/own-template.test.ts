// Conversations in a model's own chat template: texts, tokens and trained tokens against transformers.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { encodeExample } from '../../model/forward/chat.ts';
import { compileChatTemplate } from '../../python/chat/chat-template.ts';
import { fixtures } from './fixtures.ts';

interface Case {
  template: string;
  conversation: number;
  prompts: boolean;
  text: string | null;
  error?: string;
  ids?: number[];
  mask?: number[];
}
interface Templates {
  tokens: Record<string, string>;
  templates: Record<string, string>;
  conversations: { role: string; content: string }[][];
  cases: Case[];
}

const made: Templates = JSON.parse(readFileSync(resolve(fixtures, '../templates/templates.json'), 'utf8'));
const tokenizer = loadTokenizer(readFileSync(join(fixtures, 'tokenizer.json'), 'utf8'), 'tokenizer.json');
const compile = (source: string) => compileChatTemplate(source, 'the template', { tokens: made.tokens });
const compiled = new Map(Object.entries(made.templates).map(([name, source]) => [name, compile(source)]));
const templateOf = ({ template }: Pick<Case, 'template'>) => compiled.get(template) as ReturnType<typeof compile>;
const messagesOf = ({ conversation }: Pick<Case, 'conversation'>) => made.conversations[conversation] ?? [];
const withTemplate = (source: string) => ({ ...tokenizer, template: compile(source) });
const encode = (messages: object[], source: string, max_length = 200) =>
  encodeExample({ messages, template: 'own' }, withTemplate(source), { max_length }, 'record 1');
const trained = (messages: object[], source: string) => {
  const { labels = [] } = encode(messages, source) ?? {};
  return tokenizer.decode([...labels].filter((label) => label !== -100));
};

describe('a chat template', () => {
  it.each(made.cases)('$template, conversation $conversation, prompts $prompts: the text of transformers', (one) => {
    const render = () => templateOf(one).render(messagesOf(one), { prompts: one.prompts }).text;
    if (one.text === null) expect(render).toThrow(one.error);
    else expect(render()).toBe(one.text);
  });

  const marked = made.cases.filter(({ mask }) => mask !== undefined);

  it.each(marked)('$template, conversation $conversation: the tokens that transformers marks are trained', (one) => {
    const record = { messages: messagesOf(one), template: 'own' };
    const example = encodeExample(record, { ...tokenizer, template: templateOf(one) }, { max_length: 1000 });
    const labels = one.ids?.map((id, t) => (one.mask?.[t] === 1 ? id : -100)) ?? [];
    if (labels.every((label, t) => t === 0 || label === -100)) return expect(example).toBeNull();
    expect([...(example?.ids ?? [])]).toEqual(one.ids);
    expect([...(example?.labels ?? [])]).toEqual(labels);
  });

  it.each([
    ['{{ messages[0].content', 'the template: it cannot be parsed ('],
    [
      "{{ raise_exception('only one turn') }}",
      'the template: it refuses this conversation: only one turn (mend it, or',
    ],
    ["{{ strftime_now('%Y') }}", 'it asks for the date, and the same records must give the same tokens tomorrow'],
    ['{{ nothing() }}', 'the template: it cannot be rendered: '],
  ])('%s is refused with the way out', (source, message) => {
    expect(() => compile(source).render([{ role: 'user', content: 'x' }])).toThrow(message);
    expect(() => compile(source).render([{ role: 'user', content: 'x' }])).toThrow("choose 'tulu' or 'none'");
  });

  it('may look whether it can ask for the date', () => {
    const source = "{{ strftime_now('%Y') if strftime_now is defined else '2024' }}";
    expect(compile(source).render([]).text).toBe('2024');
    const dated = compileChatTemplate(source, 't', { tokens: {}, dated: true });
    expect(dated.render([]).text).toMatch(/^\d{4}$/);
  });

  it('refuses the two characters that mark what is said', () => {
    expect(() => compile('x').render([{ role: 'user', content: '\ufdd0' }])).toThrow('message 1 has U+FDD0 or U+FDD1');
  });
});

const chatml = made.templates.chatml as string;
const turns = [
  { role: 'user', content: 'Where does Alice live?' },
  { role: 'assistant', content: 'In Bofar.' },
  { role: 'user', content: 'Why?' },
  { role: 'assistant', content: 'She said so. ' },
];

describe('an answer in a template without marks', () => {
  it('is what its turn adds to the text, with its end and without the white space after it', () => {
    expect(trained(turns, chatml)).toBe('In Bofar.<|im_end|>She said so. <|im_end|>');
    const { ids = [] } = encode(turns, chatml) ?? {};
    const text = compile(chatml).render(turns as never).text;
    expect([...ids]).toEqual(tokenizer.encode(text, { addSpecialTokens: false }));
  });

  it('that shares a token with the prompt has that token', () => {
    const seam = "{% for m in messages %}{{ m.role + ':' if m.role == 'user' else '' }}{{ m.content }}{% endfor %}";
    // 'Alice' is made of tokens that reach across any seam within it
    const pieces = [
      { role: 'user', content: 'Al' },
      { role: 'assistant', content: 'ice live' },
    ];
    const { ids = [], labels = [] } = encode(pieces, seam) ?? {};
    const first = [...labels].findIndex((label) => label !== -100);
    expect(tokenizer.decode([...ids].slice(0, first)).length).toBeLessThanOrEqual('user:Al'.length);
    expect(tokenizer.decode([...ids].slice(0, first + 1)).length).toBeGreaterThan('user:Al'.length);
    expect([...labels].slice(first)).toEqual([...ids].slice(first));
  });

  it('is cut with the record', () => {
    expect(encode(turns, chatml, 30)).toBeNull();
    expect(encode(turns, chatml, 90)).toMatchObject({ is_cut: true });
    expect(encode(turns, chatml, 90)?.labels).toHaveLength(90);
  });

  it('that cannot be told from the prompt is refused with the way out', () => {
    const thinking = made.templates.thinking as string;
    expect(() => encode(turns, thinking)).toThrow(
      "record 1: the model's chat template writes message 2 otherwise where another follows or where the answer is still to come, so that answers cannot be told from prompts: mark them in it with {% generation %}, or choose 'tulu' or 'none' as 'template' of stage 'dataset'",
    );
  });
});

describe('records that say their template', () => {
  it('own is refused where the model has none', () => {
    expect(() => encodeExample({ messages: turns, template: 'own' }, tokenizer, { max_length: 9 }, 'record 1')).toThrow(
      "record 1: the model has no chat template of its own: choose 'tulu' or 'none' as 'template' of stage 'dataset'",
    );
  });

  it('none joins the texts, and trains the answers with their end tokens', () => {
    const { ids = [], labels = [] } =
      encodeExample({ messages: turns, template: 'none' }, tokenizer, { max_length: 99 }) ?? {};
    const text = 'Where does Alice live? In Bofar.</s> Why? She said so. </s>';
    expect([...ids]).toEqual(tokenizer.encode(text));
    expect(tokenizer.decode([...labels].filter((label) => label !== -100))).toBe(' In Bofar.</s> She said so. </s>');
  });

  it('an answer of weight 0 is read and not trained, in any template', () => {
    const [first, answer, ...others] = turns;
    const messages = [first, { ...answer, weight: 0 }, ...others];
    for (const [template, source] of [
      ['own', chatml],
      ['own', made.templates.marked as string],
      ['none', ''],
      ['tulu', ''],
    ] as const) {
      const settled = withTemplate(source);
      const { ids = [], labels = [] } = encodeExample({ messages, template }, settled, { max_length: 200 }) ?? {};
      const words = tokenizer.decode([...labels].filter((label) => label !== -100));
      expect(words).toMatch(/^ ?She said so\. ?(<\|im_end\|>|<\/s>)$/);
      const all = encodeExample({ messages: turns, template }, settled, { max_length: 200 });
      expect([...ids]).toEqual([...(all?.ids ?? [])]);
    }
    const loose = made.templates['marked-loose']?.replace("m['role'] == 'assistant'", 'loop.last') as string;
    expect(() => encode(messages as object[], loose)).toThrow(
      "record 1: the model's chat template marks 1 parts where the record has 2 answers, of which some are not to be trained",
    );
  });

  it('tools have no place in the others', () => {
    const messages = [{ role: 'tool', content: 'x' }, ...turns];
    for (const template of ['tulu', 'none']) {
      expect(() => encodeExample({ messages, template }, tokenizer, { max_length: 99 }, 'record 1')).toThrow(
        `record 1: the template '${template}' has no place for tools, expected 'own' as 'template' of stage 'dataset'`,
      );
    }
    expect(() => encodeExample({ messages, template: 'x' }, tokenizer, { max_length: 99 }, 'record 1')).toThrow(
      "record 1: 'template' must be 'tulu', 'own', 'none', got \"x\"",
    );
  });
});
