// Mistakes in pipelines and in stages of one's own.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { inPipeline, type Mistake, module, pipeline } from './given.ts';

export const inPipelines: Mistake[] = [
  [
    "a misspelt stage of lamina's",
    inPipeline('perplexity-eval', 'perplexity_eval'),
    'check mine.yaml',
    [
      "own.yaml:6:15  stage 'ppl': unknown stage 'perplexity_eval', expected a stage name (did you mean 'perplexity-eval'?)",
    ],
  ],
  [
    'an output that there is not',
    inPipeline('data.eval', 'data.evl'),
    'check mine.yaml',
    ["own.yaml:6:57  stage 'ppl': input 'data': stage 'data' has no output 'evl' (did you mean 'eval'?)"],
  ],
  [
    'an input of another kind',
    inPipeline('model: base', 'model: data.eval'),
    'check mine.yaml',
    [
      "own.yaml:6:45  stage 'ppl': input 'model' expects kind 'checkpoint', got 'dataset' from stage 'data.eval' (did you mean 'base'?)",
    ],
  ],
  [
    'an input that is not given',
    inPipeline('model: base, ', ''),
    'check mine.yaml',
    [
      "own.yaml:6:3  stage 'ppl': input 'model' of kind 'checkpoint' is missing: give it under 'in' (did you mean 'base'?)",
    ],
  ],
  [
    'an interpolation without quotes',
    inPipeline('"${model}"', '${model}'),
    'check mine.yaml',
    ['own.yaml:4:37  not valid YAML: within { } or [ ] an interpolation needs quotes, type "${model}"'],
  ],
  [
    'an interpolation of a parameter that there is not',
    inPipeline('"${model}"', '"${modl}"'),
    'check mine.yaml',
    ["own.yaml:4:37  stage 'base': parameter 'path': unknown parameter 'modl' (did you mean 'model'?)"],
  ],
  [
    'a type of a parameter that there is not',
    inPipeline('type: string', 'type: str'),
    'check mine.yaml',
    [
      "own.yaml:2:26  parameter 'model': 'type' expects 'string', 'number', 'integer', 'boolean', 'object', 'array' or 'null', got 'str' (did you mean 'string'?)",
    ],
  ],
  [
    'a module that is not there',
    inPipeline('perplexity-eval', './mine.mjs'),
    'check mine.yaml',
    ["own.yaml:6:15  stage 'ppl': './mine.mjs' does not exist"],
  ],
  [
    'a module that throws',
    module('throw new Error("boom")'),
    'check mine.yaml',
    ["own.yaml:6:15  stage 'ppl': './mine.mjs' cannot be loaded: boom"],
  ],
  [
    'a module without its stage',
    module('export const answer = 42;'),
    'check mine.yaml',
    [
      "own.yaml:6:15  stage 'ppl': './mine.mjs' has no default export, expected its stage: export default defineStage({ ... })",
    ],
  ],
  [
    'a pipeline in the place of an experiment',
    { 'own.yaml': pipeline },
    'run own.yaml',
    ["own.yaml:1:1  this is a pipeline, expected an experiment (a file with the key 'experiment')"],
  ],
];
