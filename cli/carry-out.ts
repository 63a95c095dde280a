// The program of a batch system's job: carry-out.js STORE SUBMISSION TASK carries out one task with lamina's own stages.
import { carryOutTask } from '../runner/worker/carry-out-task.ts';
import { stageRegistry } from '../stages/registry.ts';

process.exit(await carryOutTask(process.argv.slice(2), stageRegistry));
