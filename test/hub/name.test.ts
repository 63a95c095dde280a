import { describe, expect, it } from 'vitest';
import { formatHubName, type HubName, parseHubName, pinHubName } from '../../hub/name.ts';

const commit = 'ab'.repeat(20);
const parsed = (text: string): HubName => {
  const name = parseHubName(text);
  if (typeof name === 'string') throw new Error(name);
  return name;
};

describe('a name on the hub', () => {
  it.each([
    ['hf://meta-llama/Llama-2-7b-hf', 'model', 'meta-llama/Llama-2-7b-hf', undefined, ''],
    ['hf://org/name@v1.0', 'model', 'org/name', 'v1.0', ''],
    [`hf://org/name@${commit}`, 'model', 'org/name', commit, ''],
    ['hf://org/name@refs/pr/3', 'model', 'org/name', 'refs/pr/3', ''],
    ['hf://org/name@feature%2Fx', 'model', 'org/name', 'feature/x', ''],
    ['hf://org/name/sub/m-Q4_K_M.gguf', 'model', 'org/name', undefined, 'sub/m-Q4_K_M.gguf'],
    ['hf://org/name@v1/m.gguf', 'model', 'org/name', 'v1', 'm.gguf'],
    ['hf://datasets/org/name', 'dataset', 'org/name', undefined, ''],
    ['hf://datasets/org/name/data/*.parquet', 'dataset', 'org/name', undefined, 'data/*.parquet'],
    ['hf://datasets/org/name@main/sample/10BT/', 'dataset', 'org/name', 'main', 'sample/10BT'],
    [
      'hf://datasets/org/name@refs/convert/parquet/x.parquet',
      'dataset',
      'org/name',
      'refs/convert/parquet',
      'x.parquet',
    ],
  ])('%s is read', (text, type, repo, revision, path) => {
    expect(parsed(text)).toEqual({ type, repo, revision, path, ref: undefined });
  });

  it.each([
    ['hf://', 'does not name a repository'],
    ['hf://gpt2', 'does not name a repository'],
    ['hf:org/name', 'is no name on the hub'],
    ['HF://org/name', 'is no name on the hub'],
    ['hf://org/name/config.json', 'a model is taken whole'],
    ['hf://org/name/../m.gguf', 'a file name that cannot be'],
    ['hf://models/org/name', "names 'models/'"],
    ['hf://org/../name', 'a repository that cannot be'],
    ['hf://../name', 'a repository that cannot be'],
    ['hf://org/a--b', 'a repository that cannot be'],
    ['hf://org/na me', 'a repository that cannot be'],
    ['hf://org/name@', 'does not name a repository'],
    ['hf://org/name@..%2f..', 'a revision that cannot be'],
    ['hf://org/name@%ff', 'a revision that cannot be'],
    ['hf://org/name@-x', 'a revision that cannot be'],
    ['hf://datasets/org/name/../../x', 'a file name that cannot be'],
    ['hf://datasets/org/name//x', 'a file name that cannot be'],
    ['hf://datasets/org/name/a\\b', 'a file name that cannot be'],
    ['hf://datasets/org/name/c:x', 'a file name that cannot be'],
    [`hf://org/${'x'.repeat(97)}`, 'a repository that cannot be'],
  ])('%s is refused with the right form', (text, why) => {
    expect(parseHubName(text)).toContain(why);
    expect(parseHubName(text)).toContain("expected 'hf://org/name'");
  });

  it('is written as it was read, and pinned it remembers its branch', () => {
    for (const text of [
      'hf://org/name@refs/pr/3',
      'hf://org/name@v1/a/m.gguf',
      'hf://datasets/org/name@feature%2Fx/data/*.parquet',
    ]) {
      expect(formatHubName(parsed(text))).toBe(text);
    }
    const pinned = formatHubName(pinHubName(parsed('hf://datasets/org/name/a.csv'), commit), true);
    expect(pinned).toBe(`hf://datasets/org/name@${commit}/a.csv?ref=main`);
    expect(parsed(pinned)).toMatchObject({ revision: commit, path: 'a.csv', ref: 'main' });
    expect(pinHubName(parsed(`hf://org/name@${commit}`), commit).ref).toBeUndefined();
  });
});
