// What every format of exports has to keep, whichever it is: one object says all of it, and the files are what it says.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Cost, Facts } from '../../contract/stage.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { commonFiles, textOutputs } from '../../stages/export/formats/files.ts';
import type { ExportFormat } from '../../stages/export/formats/format.ts';
import { exportFormats, formatOf } from '../../stages/export/formats/registry.ts';
import { load } from '../../stages/load/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { runStage } from './harness.ts';

const made: { model: string; recovery: string; facts: { model: Facts; recovery: Facts } } = {
  model: '',
  recovery: '',
  facts: { model: {}, recovery: {} },
};

beforeAll(async () => {
  const loaded = await runStage(load, { params: { path: resolve(import.meta.dirname, '../../models/tiny') } });
  made.model = loaded.files['']?.model as string;
  made.facts.model = loaded.facts[''] as Facts;
  const inputs = { model: { files: { '': made.model }, facts: made.facts.model } };
  const shared = await runStage(share, { params: { rank: 4 }, inputs });
  made.recovery = shared.files['']?.recovery as string;
  made.facts.recovery = shared.facts[''] as Facts;
});

describe.each(exportFormats.map((format) => [`${format.format}, ${format.layout}`, format] as const))(
  '%s',
  (_, format) => {
    const params = { format: format.format, layout: format.layout, dtype: 'F32' };

    it('is chosen by its name and layout, and is the only one', () => {
      expect(formatOf(format)).toBe(format);
      expect(
        exportFormats.filter((each) => each.format === format.format && each.layout === format.layout),
      ).toHaveLength(1);
    });

    it('names files of its own that no other format has, nor the stage beside', () => {
      const others = exportFormats.filter((each) => each !== format).flatMap((each) => Object.keys(each.outputs));
      const taken = [...others, ...Object.keys(commonFiles), ...Object.keys(textOutputs), 'card', 'metrics'];
      expect(Object.keys(format.outputs).filter((name) => taken.includes(name))).toEqual([]);
    });

    it('writes the files that it names and no others', async () => {
      const outcome = await runStage(exportStage, { params, inputs: { model: made.model, recovery: made.recovery } });
      const files = outcome.files[''] as Record<string, string>;
      const found = Object.keys(files).filter((name) => existsSync(files[name] as string));
      const named = [...format.common, ...Object.keys(format.outputs), 'card', 'metrics'];
      expect(found.filter((name) => !(name in textOutputs)).toSorted()).toEqual(named.toSorted());
    });

    it('costs what its files take, to a twentieth: plans count with it', async () => {
      const outcome = await runStage(exportStage, { params, inputs: { model: made.model, recovery: made.recovery } });
      const files = outcome.files[''] as Record<string, string>;
      const weights = [...format.common, ...Object.keys(format.outputs)].filter((name) =>
        existsSync(files[name] as string),
      );
      const bytes = weights.reduce((sum, name) => sum + statSync(files[name] as string).size, 0);
      expect(Math.abs(costOf(format).written_bytes / bytes - 1), `${bytes}`).toBeLessThan(0.05);
    });

    it('has a card with its library and how it is loaded', async () => {
      const outcome = await runStage(exportStage, { params, inputs: { model: made.model, recovery: made.recovery } });
      const card = readFileSync(outcome.files['']?.card as string, 'utf8');
      expect(card).toContain(`library_name: ${format.library}\n`);
      expect(card.split('## Loading')[1]).toMatch(/```.*FOLDER.*```/s);
    });
  },
);

function costOf({ format, layout }: ExportFormat): Cost {
  const size_bytes = statSync(made.model).size;
  const params = { format, layout, dtype: 'F32', group_size: 32, name: 'made', threads: 1, accuracy_level: 0 };
  const inputs = {
    model: { facts: made.facts.model, output: 'model', size_bytes },
    recovery: { facts: made.facts.recovery, output: 'recovery', size_bytes: statSync(made.recovery).size },
  };
  const query = { params, units: [{ name: '', params }], inputs, facts: {}, record_tokens: 300 };
  return exportStage.cost?.(query) as Cost;
}
