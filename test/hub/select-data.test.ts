import { describe, expect, it } from 'vitest';
import { knownRows } from '../../hub/known-datasets.ts';
import { matcher } from '../../hub/pattern.ts';
import { selectFolderData, selectHubData } from '../../hub/select-data.ts';

const select = (paths: string[], repo = 'org/name', selection = '') => selectHubData(paths, repo, selection, 'the set');

describe('a pattern', () => {
  it.each([
    ['*.parquet', 'a.parquet', true],
    ['*.parquet', 'data/a.parquet', false],
    ['**/*.parquet', 'data/x/a.parquet', true],
    ['**/*.parquet', 'a.parquet', true],
    ['data/train-?.csv', 'data/train-1.csv', true],
    ['data/train-?.csv', 'data/train-10.csv', false],
    ['a+b(c).csv', 'a+b(c).csv', true],
    ['a.csv', 'aXcsv', false],
  ])('%s on %s: %s', (pattern, path, fits) => {
    expect(matcher(pattern)(path)).toBe(fits);
  });
});

// File names as the sets are known to have them (docs/data.md); not compared with the hub, which these tests never ask.
describe('the files of a data set', () => {
  it.each([
    ['ArtifactAI/arxiv-math-instruct-50k', ['README.md', 'data/train-00000-of-00001-ab.parquet']],
    ['vicgalle/alpaca-gpt4', ['data/train-00000-of-00001-6ef3991c06080e14.parquet']],
    ['databricks/databricks-dolly-15k', ['README.md', 'databricks-dolly-15k.jsonl']],
    ['Open-Orca/OpenOrca', ['1M-GPT4-Augmented.parquet', '3_5M-GPT3_5-Augmented.parquet']],
    ['allenai/tulu-v2-sft-mixture', ['data/train-00000-of-00003-a.parquet', 'data/train-00001-of-00003-b.parquet']],
  ])('%s: all of its training files', (repo, paths) => {
    expect(select(paths, repo)).toEqual(paths.filter((path) => path !== 'README.md'));
  });

  it('knkarthick/dialogsum: train.csv, the others by name', () => {
    const paths = ['test.csv', 'train.csv', 'validation.csv', 'README.md'];
    expect(select(paths, 'knkarthick/dialogsum')).toEqual(['train.csv']);
    expect(select(paths, 'knkarthick/dialogsum', 'test.csv')).toEqual(['test.csv']);
  });

  it('HuggingFaceFW/fineweb-edu: the sample of ten billion tokens', () => {
    const paths = ['data/CC-MAIN-2024-10/train-00000.parquet', 'sample/100BT/a.parquet', 'sample/10BT/000.parquet'];
    expect(select(paths, 'HuggingFaceFW/fineweb-edu')).toEqual(['sample/10BT/000.parquet']);
  });

  it('of an unknown repository: its one format, the training part where there are parts', () => {
    expect(select(['.gitattributes', 'README.md', 'b.jsonl', 'a.jsonl'])).toEqual(['a.jsonl', 'b.jsonl']);
    expect(select(['data/train-0.parquet', 'data/test-0.parquet', 'dataset_infos.json'])).toEqual([
      'data/train-0.parquet',
    ]);
    expect(select(['data/test.csv'])).toEqual(['data/test.csv']);
  });

  it('that are not clear are listed', () => {
    expect(() => select(['a.csv', 'b.parquet'])).toThrow(
      "the set: files of several formats, name the ones that are meant: 'a.csv', 'b.parquet'",
    );
    expect(() => select(['a.csv', 'test.csv'])).toThrow(
      "the set: some files are for evaluation, name the ones that are meant: 'a.csv', 'test.csv'",
    );
    expect(() => select(['README.md'])).toThrow('the set: expected data files');
    expect(() => select(['a.csv'], 'org/name', 'b.csv')).toThrow(
      "the set: no file fits 'b.csv', expected one of 'a.csv'",
    );
  });

  it('by pattern and by folder', () => {
    const paths = ['x/b.csv', 'x/a.csv', 'y/c.csv'];
    expect(select(paths, 'org/name', 'x')).toEqual(['x/a.csv', 'x/b.csv']);
    expect(select(paths, 'org/name', '*/*.csv')).toEqual(['x/a.csv', 'x/b.csv', 'y/c.csv']);
  });

  it('of a folder: all of one format, but not training and test files together', () => {
    expect(selectFolderData(['b.csv', 'a.csv', 'notes.md'], 'folder')).toEqual(['a.csv', 'b.csv']);
    expect(() => selectFolderData(['train.csv', 'test.csv'], 'folder')).toThrow('some files are for evaluation');
  });

  it('have the rows that the cards give', () => {
    expect(knownRows('databricks/databricks-dolly-15k', '')).toBe(15_011);
    expect(knownRows('knkarthick/dialogsum', 'test.csv')).toBe(1_500);
    expect(knownRows('knkarthick/dialogsum', 'x.csv')).toBeUndefined();
    expect(knownRows('toString', '')).toBeUndefined();
  });
});
