import { describe, expect, it } from 'vitest';
import { listExperiments, listRuns, loadRun, saveRun } from '../../store/runs.ts';
import { emptyFolder } from './drafts.ts';

describe('the files of runs', () => {
  it('are kept by experiment and run', () => {
    const store = emptyFolder();
    expect(listExperiments(store)).toEqual([]);
    saveRun(store, 'quickstart', '2026-11-22T15-02-11Z', 'result', { cells: [1] });
    saveRun(store, 'quickstart', '2026-11-21T15-02-11Z', 'result', { cells: [] });
    expect(listExperiments(store)).toEqual(['quickstart']);
    expect(listRuns(store, 'quickstart')).toEqual(['2026-11-21T15-02-11Z', '2026-11-22T15-02-11Z']);
    expect(loadRun(store, 'quickstart', '2026-11-22T15-02-11Z', 'result')).toEqual({ cells: [1] });
    expect(loadRun(store, 'quickstart', '2026-11-22T15-02-11Z', 'plan')).toBeUndefined();
    expect(listRuns(store, 'none')).toEqual([]);
  });

  it('cannot be made to lead out of the store', () => {
    const store = emptyFolder();
    for (const name of ['..', '../x', 'a/b', '', '.hidden']) {
      expect(() => loadRun(store, 'quickstart', name, 'result')).toThrow('cannot name a run or an experiment');
      expect(() => listRuns(store, name)).toThrow('cannot name a run or an experiment');
    }
  });
});
