// Which token has which id, against transformers on the same files (test/fixtures/folders/make.py).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { settleTokens, withTokens } from '../../formats/tokenizer/special-tokens.ts';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';

interface Case {
  added: string[];
  files: Record<string, object>;
  texts: Record<string, number[]>;
  bos: string | null;
  eos: string | null;
  unk: string | null;
  pad: string | null;
  ids: (number | null)[];
}

const read = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8');
const { cases } = JSON.parse(read('../fixtures/folders/tokenizers.json')) as { cases: Record<string, Case> };
const whole = JSON.parse(read('../fixtures/model/tokenizer.json')) as { added_tokens: { content: string }[] };

/** The texts of a case's files. */
function filesOf({ added, files }: Pick<Case, 'added' | 'files'>) {
  const text = (name: string) => (files[name] === undefined ? null : JSON.stringify(files[name]));
  const added_tokens = whole.added_tokens.filter(({ content }) => added.includes(content));
  return {
    tokenizer_json: JSON.stringify({ ...whole, added_tokens }),
    tokenizer_config_json: text('tokenizer_config.json'),
    special_tokens_map_json: text('special_tokens_map.json'),
    added_tokens_json: text('added_tokens.json'),
  };
}

const warningsOf = (files: Case['files'], added = ['<unk>', '<s>', '</s>']) =>
  settleTokens(filesOf({ added, files })).warnings;

describe('the tokens of a folder', () => {
  it.each(Object.entries(cases))('%s: as transformers has them', (_name, each) => {
    const files = filesOf(each);
    const settled = settleTokens(files);
    const { bos = null, eos = null, unk = null, pad = null } = settled;
    expect({ bos, eos, unk, pad }).toEqual({ bos: each.bos, eos: each.eos, unk: each.unk, pad: each.pad });
    const ids = [bos, eos, unk, pad].map(
      (text) => settled.addedTokens.find(({ content }) => content === text)?.id ?? null,
    );
    expect(ids).toEqual(each.ids);
    const names = { bos_token: settled.bos, eos_token: settled.eos };
    const tokenizer = loadTokenizer(withTokens(files.tokenizer_json, settled), 'tokenizer.json', names);
    const found = Object.fromEntries(Object.keys(each.texts).map((text) => [text, tokenizer.encode(text)]));
    expect(found).toEqual(each.texts);
  });

  it('leave a tokenizer.json as it is where the others add nothing', () => {
    const files = filesOf(cases['all in tokenizer.json'] as Case);
    const settled = settleTokens(files);
    expect(settled.changed).toBe(false);
    expect(withTokens(files.tokenizer_json, settled)).toBe(files.tokenizer_json);
    expect(settled.warnings).toEqual([]);
  });

  it('that two files say differently are warned about', () => {
    expect(warningsOf((cases['special_tokens_map.json beside a decoder'] as Case).files)).toEqual([
      'special_tokens_map.json names "<unk>" as eos_token, tokenizer_config.json "</s>": the latter is taken, as in transformers',
    ]);
    expect(warningsOf((cases['added_tokens.json beside a decoder'] as Case).files)).toEqual([
      'added_tokens.json has "<two>" (321), \'added_tokens_decoder\' of tokenizer_config.json does not: the latter is taken, as in transformers',
    ]);
    expect(warningsOf((cases['a gap in the ids'] as Case).files)).toEqual([
      'tokenizer_config.json gives the token "<x>" the id 330, but by the vocabulary it is 320, as in transformers: 320 is taken',
    ]);
    expect(warningsOf({ 'added_tokens.json': { '</s>': 9 } })).toEqual([
      'added_tokens.json gives the token "</s>" the id 9, but by the vocabulary it is 2, as in transformers: 2 is taken',
    ]);
  });

  it('in files of another shape are refused with the file and what was found', () => {
    const refusals: [Case['files'], string][] = [
      [{ 'added_tokens.json': [] }, 'added_tokens.json: expected a JSON object, got []'],
      [{ 'added_tokens.json': { a: -1 } }, 'added_tokens.json: expected token ids of 0 to 16777215, got -1'],
      [
        { 'tokenizer_config.json': { added_tokens_decoder: { 5: 'x' } } },
        "tokenizer_config.json: 'added_tokens_decoder': expected a token to be an object with its text as 'content', got \"x\"",
      ],
      [
        { 'tokenizer_config.json': { added_tokens_decoder: { five: { content: 'x' } } } },
        "tokenizer_config.json: 'added_tokens_decoder': expected token ids of 0 to 16777215, got null",
      ],
      [
        { 'tokenizer_config.json': { added_tokens_decoder: { 5: { content: 'x', lstrip: 'yes' } } } },
        'tokenizer_config.json: \'added_tokens_decoder\': \'lstrip\' of the token "x" must be true or false, got "yes"',
      ],
    ];
    for (const [files, message] of refusals) expect(() => warningsOf(files)).toThrow(new UserError(message));
  });
});
