// share: the replacement map with recovery parameters at their start; rank 0 is Direct Sharing.
import { type Static, Type } from 'typebox';
import type { StageDefinition } from '../spec/stage.ts';
import { candidate, init, object, replacement } from './options.ts';

const params = object({
  ...replacement,
  candidate,
  rank: Type.Integer({ minimum: 0, default: 0, description: '0: no recovery parameters, Direct Sharing' }),
  init,
});
export type ShareParams = Static<typeof params>;

export const share: StageDefinition = {
  name: 'share',
  version: 1,
  summary: 'lets target layers use the MLP of their reference layer, without training',
  reference: 'SHARP (arXiv 2502.07832), section 2.2; Direct Sharing after MobileLLM (arXiv 2402.14905)',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the original model' } },
  outputs: { recovery: { kind: 'recovery', summary: 'the map and its untrained parameters', extension: 'arrow' } },
  numeric: false,
  seeded: true,
  run: async () => (await import('./share-run.ts')).run,
};
