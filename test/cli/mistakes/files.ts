// Data and checkpoints that are not what they should be.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { changed, type Mistake, partOf, pipeline, small, withData, withModel } from './given.ts';

export const inFiles: Mistake[] = [
  [
    'a model folder that is not there',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'modle') },
    'run mine.yaml',
    ["error  stage 'base', parameter 'path': 'DIR/modle' does not exist (given at mine.yaml:3:18)"],
  ],
  [
    'a file that is no model',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'lamina:tiny', 'model.txt'), 'model.txt': 'x' },
    'run mine.yaml',
    [
      "error  stage 'base': model 'DIR/model.txt': it is a file, expected a folder with 'config.json' and its weights, or a GGUF file, whose name ends with '.gguf'",
    ],
  ],
  [
    'a data file that is not there',
    { 'own.yaml': pipeline, 'mine.yaml': changed(small, 'generate: arxiv_math, records: 20', 'path: data.jsonl') },
    'run mine.yaml',
    ["error  stage 'data', parameter 'path': 'DIR/data.jsonl' does not exist (given at mine.yaml:3:45)"],
  ],
  [
    'data of a format that is not read',
    withData('data.xlsx', 'x'),
    'run mine.yaml --json',
    [
      "✗ stage 'data': data file 'DIR/data.xlsx': expected an ending of .jsonl, .ndjson, .json, .csv, .parquet, got '.xlsx'",
    ],
    1,
  ],
  [
    'a line that is no JSON',
    withData('data.jsonl', '{"question":"1+1?","answer":"2"}\n{"question":"2+2?",\n'),
    'run mine.yaml --json',
    ["✗ stage 'data': DIR/data.jsonl:2: expected a JSON object, got text that ends too early; mend or remove it"],
    1,
  ],
  [
    'records without what is asked and answered',
    withData('data.jsonl', '{"a":"1","b":"2"}\n'.repeat(20)),
    'run mine.yaml --json',
    [
      "✗ stage 'data': DIR/data.jsonl:1: no known record form fits, got a, b, expected one of messages (messages); sharegpt (conversations); openorca (system_prompt, question, response); question_answer (question, answer); prompt_completion (prompt, completion); dialogsum (dialogue); instruction (instruction); text (text)",
    ],
    1,
  ],
  [
    'an answer that is a number',
    withData('data.jsonl', '{"question":"1+1?","answer":2}\n'.repeat(20)),
    'run mine.yaml --json',
    ["✗ stage 'data': DIR/data.jsonl:1: field 'answer' expects text, got 2"],
    1,
  ],
  [
    'data without records',
    withData('data.jsonl', ''),
    'run mine.yaml --json',
    ["✗ stage 'data': data file 'DIR/data.jsonl': expected at least one record, got none"],
    1,
  ],
  [
    'a config that is no JSON',
    withModel('config.json', '{'),
    'run mine.yaml --json',
    ["error  stage 'base': DIR/model/config.json: expected JSON, got text that ends too early"],
  ],
  [
    'a config of an architecture that is not read',
    withModel('config.json', '{"model_type":"mamba","architectures":["MambaForCausalLM"]}'),
    'run mine.yaml --json',
    [
      "error  stage 'base': DIR/model/config.json: 'model_type' must be one that lamina reads ('llama', 'mistral', 'qwen2', 'qwen3', 'smollm3'), got 'mamba' (with layers that are not attention)",
    ],
  ],
  [
    'weights that were cut',
    withModel('model.safetensors', partOf('model.safetensors').subarray(0, 1_000_000)),
    'run mine.yaml --json',
    [
      "✗ stage 'base': safetensors file 'DIR/model/model.safetensors' is cut short: expected 3063944 bytes, got 1000000; copy or download the file again",
    ],
    1,
  ],
  [
    'weights that are a page of text',
    withModel('model.safetensors', '<html>404</html>'),
    'run mine.yaml --json',
    [
      "✗ stage 'base': safetensors file 'DIR/model/model.safetensors': expected a header of at most 100000000 bytes, got 3473469848023230500, so it is a file of another kind; copy or download the file again",
    ],
    1,
  ],
  [
    'a tokenizer that was cut',
    withModel('tokenizer.json', partOf('tokenizer.json').subarray(0, 1000)),
    'run mine.yaml --json',
    ["✗ stage 'base': tokenizer 'DIR/model/tokenizer.json': expected JSON, got text that ends too early"],
    1,
  ],
];
