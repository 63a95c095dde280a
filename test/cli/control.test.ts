// The control: cells whose numbers are known run first, and the grid only when they come out.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const spec = join(fixtures, 'control.yaml');

describe('a grid with a control', () => {
  const folder = workFolder();
  afterAll(() => folder.remove());

  test('that is off runs the control alone, says by how much, and exits with 1', async () => {
    const { code, out, err } = await toy(folder.path, 'run', spec);
    expect(code).toBe(1);
    expect(err).toMatch(/^control · default · control · 1 cell · 3 units: 0 cached, 3 to run\n/);
    expect(err).toContain(`✗ control: good is 1.50, expected 1.40 (the paper) within 5 %
  the grid of 2 cells was not run: mend the model or the data, or run it regardless with --no-control
`);
    expect(out).not.toContain('Bad');
    expect(existsSync(join(folder.path, 'results'))).toBe(false);
  });

  test('runs regardless with --no-control', async () => {
    const { code, out } = await toy(folder.path, 'run', spec, '--no-control');
    expect(code).toBe(0);
    expect(out).toContain('Bad');
  });

  test('that comes out runs whole, and counts what the control ran', async () => {
    const other = workFolder();
    const { code, out, err } = await toy(other.path, 'run', spec, '--profile', 'ours');
    expect(err).toMatch(/control · ours · control · 1 cell [\s\S]*control · ours · 2 cells [\s\S]*✓ 4 of 4 /);
    expect(out).toContain('Bad');
    expect(code).toBe(0);
    other.remove();
  });
});
