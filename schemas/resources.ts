// What a stage is given to run with, as specs and site files write it.
import type { Static } from 'typebox';
import { Type } from './type.ts';

const amount = (units: string) => `^\\s*\\d{1,12}(\\.\\d{1,6})? ?(${units})\\s*$`;

/** Of one attempt. No key has it: what it is given to run with does not change what a stage makes. */
export const resourcesSchema = Type.Object(
  {
    memory: Type.Optional(
      Type.String({
        pattern: amount('B|[kK]B|[MGT]B|[KMGT]iB'),
        title: 'a size such as 500MB, 4.5GB or 10GiB',
        description: 'the most memory that an attempt may take: 8GB; one that takes more is ended',
      }),
    ),
    cpus: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096, description: 'processor cores' })),
    time: Type.Optional(
      Type.String({
        pattern: amount('s|m|min|h|d|w'),
        title: 'a time such as 90s, 30min, 12h, 7d or 2w',
        description: 'how long an attempt may take: 12h; one that takes longer is ended and keeps its state',
      }),
    ),
    gpu: Type.Optional(
      Type.Union([Type.String({ minLength: 1, maxLength: 200 }), Type.Integer({ minimum: 0, maximum: 1024 })], {
        description: "GPUs, in the cluster's own words: 1, a100:2",
      }),
    ),
  },
  { additionalProperties: false },
);

export type ResourcesFile = Static<typeof resourcesSchema>;
