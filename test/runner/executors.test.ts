// The executors: that of this machine, and one that has nothing but keys.
import { LocalExecutor } from '../../runner/executor/local.ts';
import { ByKeyExecutor } from './by-key-executor.ts';
import { executorConformance } from './executor-conformance.ts';
import { workerUrl } from './harness.ts';

executorConformance('local', (store, jobs) => new LocalExecutor({ workerUrl, store, jobs }));
executorConformance('by key', (store, jobs) => new ByKeyExecutor(store, jobs));
