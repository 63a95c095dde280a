// The quickstart on a real data set, from its file to the table; where the file is not at hand the test says so.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lamina } from '../cli/in-process.ts';
import { workFolder } from '../cli/program.ts';
import { root, skip } from './small-spec.ts';

/** A folder that is no part of the project: `LAMINA_DATA`, or `shared/data` beside the project. */
const data = process.env.LAMINA_DATA ?? join(root, '../shared/data');
const records = 30;

it('the quickstart runs on GSM8K, from the file to the table', async (context) => {
  const [path, eval_path] = [join(data, 'gsm8k-train.jsonl'), join(data, 'gsm8k-test.jsonl')];
  if (![path, eval_path].every(existsSync)) {
    skip(context, `no gsm8k-train.jsonl and gsm8k-test.jsonl in '${data}': name their folder in LAMINA_DATA`);
  }
  const folder = workFolder();
  try {
    const set = `datasets.arxiv_math=${JSON.stringify({ path, eval_path, limit: records })}`;
    const only = ['--only', 'data=arxiv_math', '--set', 'warm.epochs=1', '--set', set];
    const { code, out, err } = await lamina(folder.path, 'run', join(root, 'experiments/quickstart.yaml'), ...only);
    expect(err).toMatch(/\n✓ 18 of 18 · /); // base, data, shared, tuned, 4 perplexities, 5 pairs captured and warmed up
    expect(out).toMatch(/^\n +Arxiv-math\nOriginal /);
    // the model has not learned this data, and few steps teach it little: that SFT wins is not claimed here
    expect([0, 1]).toContain(code);
    for (const label of ['Original', 'Direct Sharing', 'SHARP w/o f.t.', 'SHARP']) {
      expect(out).toMatch(new RegExp(`\\n${label.replace('.', '\\.')} +[\\d.e+]+ `));
    }
  } finally {
    folder.remove();
  }
});
