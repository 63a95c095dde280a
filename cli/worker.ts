// The program of a worker process: serves lamina's own stages to the runner.
import { serveWorker } from '../runner/worker/main.ts';
import { stageRegistry } from '../stages/registry.ts';

serveWorker(stageRegistry);
