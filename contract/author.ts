// What an author of a stage imports as `lamina/stage`; all that is here is kept as it is.
export { type Static, Type } from 'typebox';
export { UserError } from '../util/errors.ts';
export { defineStage } from './define.ts';
export type {
  ActivationsFacts,
  CheckpointFacts,
  DatasetFacts,
  FileFacts,
  RecoveryFacts,
  TasksFacts,
} from './facts.ts';
export type {
  Cost,
  CostQuery,
  Facts,
  Json,
  JsonObject,
  Progress,
  StageContext,
  StageInput,
  Unit,
  UnitWork,
} from './stage.ts';
