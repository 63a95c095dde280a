// The program in the card of an ONNX export: twenty lines that generate text.

const exactLines = [
  'options = onnxruntime.SessionOptions()',
  "options.add_session_config_entry('session.qdq_matmulnbits_accuracy_level', '1')",
];

/** Greedy generation; `isExact` asks the runtime to leave activations as the graph rounds them. */
export const onnxProgram = (isExact: boolean): string[] => [
  'import numpy as np',
  'import onnxruntime',
  'from tokenizers import Tokenizer',
  '',
  ...(isExact ? exactLines : []),
  `session = onnxruntime.InferenceSession('FOLDER/model.onnx'${isExact ? ', options' : ''})`,
  "tokenizer = Tokenizer.from_file('FOLDER/tokenizer.json')",
  "types = {'tensor(float)': np.float32, 'tensor(float16)': np.float16}",
  'caches = session.get_inputs()[3:]  # past_key_values.0.key, past_key_values.0.value, ...',
  'past = {each.name: np.zeros((1, each.shape[1], 0, each.shape[3]), types[each.type]) for each in caches}',
  "ids = new = tokenizer.encode('...').ids",
  'for _ in range(50):',
  '    feeds = {',
  "        'input_ids': np.array([new]),",
  "        'attention_mask': np.ones((1, len(ids)), np.int64),",
  "        'position_ids': np.arange(len(ids) - len(new), len(ids))[None],",
  '    }',
  '    logits, *present = session.run(None, feeds | past)',
  '    past = dict(zip(past, present))',
  '    new = [int(logits[0, -1].argmax())]',
  '    ids = ids + new',
  'print(tokenizer.decode(ids))',
];
