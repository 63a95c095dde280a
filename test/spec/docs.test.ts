// The examples of docs/spec.md are specs that `lamina check` accepts, together as they stand there.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkSpec } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { lines, specFolder } from './spec-folder.ts';

test('the pipeline and the experiment of docs/spec.md have no mistakes', async () => {
  const page = readFileSync(new URL('../../docs/spec.md', import.meta.url), 'utf8');
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text = '']) => text);
  const pipeline = blocks.find((text) => text.startsWith('pipeline:')) ?? '';
  const experiment = blocks.find((text) => text.startsWith('experiment:')) ?? '';
  const folder = specFolder({ 'pipelines/sharp.yaml': pipeline, 'experiments/example.yaml': experiment });
  for (const file of ['pipelines/sharp.yaml', 'experiments/example.yaml']) {
    expect(lines(await checkSpec(file, stageRegistry, folder))).toEqual([]);
  }
});
