// docs/python.md, run: each program finds in cells.arrow what cells.json says. Where Python lacks a package, that is printed.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readOutcome } from '../../cli/result/outcome-folder.ts';

const root = resolve(import.meta.dirname, '../..');
const page = readFileSync(join(root, 'docs/python.md'), 'utf8');
const programs = [...page.matchAll(/```python\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const python = process.env.LAMINA_PYTHON ?? 'python3';

function run(code: string) {
  return spawnSync(python, ['-c', code], { cwd: root, encoding: 'utf8' });
}

/** Why a program cannot be run here; undefined where it can. */
function lacking(code: string): string | undefined {
  const imports = code.split('\n')[0] ?? '';
  const needed = imports.includes('pandas') ? `${imports}, pyarrow` : imports;
  const { error, status, stderr } = run(needed);
  if (error !== undefined) return `'${python}' cannot be started: ${error.message}`;
  return status === 0 ? undefined : `'${needed}' of '${python}': ${stderr.trim().split('\n').at(-1)}`;
}

/** The candidate with the lowest mean, by cells.json. */
function lowest(): [name: string, mean: number] {
  const sums = new Map<string, number[]>();
  for (const { axes, value } of readOutcome(join(root, 'results/table-5-seeds/tiny')).cells) {
    const name = axes.candidate as string;
    if (axes.method === 'sharp') sums.set(name, [...(sums.get(name) ?? []), value as number]);
  }
  const means = [...sums].map(([name, values]) => [name, values.reduce((a, b) => a + b) / values.length] as const);
  const [best] = means.sort((a, b) => a[1] - b[1]);
  return [best?.[0] ?? '', best?.[1] ?? Number.NaN];
}

describe('docs/python.md', () => {
  test('has five lines for each of pandas, Polars and DuckDB', () => {
    expect(programs.map((code) => /import (\w+)/.exec(code)?.[1])).toEqual(['pandas', 'polars', 'duckdb']);
    for (const code of programs) expect(code.trimEnd().split('\n')).toHaveLength(5);
  });

  test.for(programs)('%s', (code, context) => {
    const reason = lacking(code);
    if (reason !== undefined) console.warn(`not run: ${reason}`);
    context.skip(reason !== undefined, reason);
    const { status, stdout, stderr } = run(code);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const [name, mean] = stdout.trim().split(' ');
    const [best, value] = lowest();
    expect(name).toBe(best);
    expect(Math.abs(Number(mean) - value)).toBeLessThan(1e-12);
  });
});
