// The executors: that of this machine, one that has nothing but keys, and that of a batch system on a fake Slurm.
import { LocalExecutor } from '../../runner/executor/local.ts';
import { ByKeyExecutor } from './by-key-executor.ts';
import { executorConformance } from './executor-conformance.ts';
import { openFakeSlurm } from './fake-slurm.ts';
import { workerUrl } from './harness.ts';

executorConformance('local', (store, jobs) => new LocalExecutor({ workerUrl, store, jobs }));
executorConformance('by key', (store, jobs) => new ByKeyExecutor(store, jobs));
executorConformance('slurm', (store, jobs) => openFakeSlurm().executor(store, { jobs }));
