// The shape of a site file: where units run, in the words of the machine or the cluster. Nothing of it is in a key.
import type { Static } from 'typebox';
import { mapOf } from './map-of.ts';
import { Type } from './type.ts';

const text = (description: string) => Type.Optional(Type.String({ description }));
const command = (description: string) => Type.String({ minLength: 1, description });
const stateWords = () => Type.Optional(Type.Array(Type.String()));

export const executorNames = ['local', 'slurm', 'commands'] as const;

export const siteFile = Type.Object(
  {
    site: text('what it is called'),
    executor: Type.Optional(
      Type.Enum([...executorNames], { description: 'where units run; --executor says otherwise' }),
    ),
    jobs: Type.Optional(
      Type.Integer({ minimum: 1, description: 'units that are with the batch system at once; -j says otherwise' }),
    ),
    slurm: Type.Optional(
      Type.Object(
        {
          options: text('words for every sbatch: --partition=long --account=x'),
          gpu: text('how GPUs are asked for: --gres=gpu:{gpu}'),
          stages: Type.Optional(mapOf(Type.String(), { description: 'words for the jobs of single stages' })),
        },
        { additionalProperties: false, description: 'what is said to Slurm' },
      ),
    ),
    commands: Type.Optional(
      Type.Object(
        {
          name: Type.String({ pattern: '^\\w[\\w-]*$', title: 'one word', description: 'what the system is called' }),
          submit: command('submits {script}, {tasks} times; prints the job'),
          job: text('a pattern whose first group is the job in what submit prints'),
          task: Type.Optional(
            Type.String({
              pattern: '^[A-Za-z_]\\w*$',
              title: 'the name of a variable',
              description: 'the variable that holds the number of a task',
            }),
          ),
          most: Type.Optional(Type.Integer({ minimum: 1, description: 'tasks of one submission; 1: no arrays' })),
          status: command('prints a line for each task that is there; {jobs} are the jobs'),
          line: command('a pattern with the groups job, task and state'),
          states: Type.Optional(
            Type.Object(
              { pending: stateWords(), running: stateWords(), ended: stateWords() },
              { additionalProperties: false, description: 'which words mean what' },
            ),
          ),
          cancel: command('ends {job}'),
          cancel_task: text('ends {task} of {job}'),
        },
        { additionalProperties: false, description: 'a batch system in commands, which a shell runs' },
      ),
    ),
    poll: text('between two questions to the batch system: 15s'),
    gone_after: text('a job that the batch system does not list for so long is gone: 5min'),
    submit_every: text('between two submissions: 2s'),
  },
  { additionalProperties: false },
);

export type SiteFile = Static<typeof siteFile>;
