// A GGUF file with the vocabulary of a published model, byte for byte as gguf's own writer makes it, and read again.
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createGguf } from '../../formats/tensors/gguf.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import { openGguf } from '../../formats/tensors/gguf-reader.ts';

const expected = JSON.parse(
  readFileSync(new URL('../fixtures/export/gguf/vocabulary.json', import.meta.url), 'utf8'),
) as { bytes: number; sha256: string };

/** As in the fixture's script: texts of many lengths, of characters of one, two and four bytes. */
const token = (i: number) => `${i}-${'é'.repeat(i % 7)}${'🚀'.repeat(i % 3)}`;
const count = 200_000;

test('200,000 tokens, their scores, types and merges, and a text of two million bytes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'vocabulary.gguf');
  const all = <T>(make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  const writer = await createGguf(
    path,
    [
      ['general.architecture', 'string', 'llama'],
      ['tokenizer.ggml.model', 'string', 'gpt2'],
      ['tokenizer.ggml.tokens', 'strings', all(token)],
      ['tokenizer.ggml.scores', 'float32s', all((i) => (0 - i) / 8)],
      ['tokenizer.ggml.token_type', 'int32s', all((i) => (i % 6) + 1)],
      ['tokenizer.ggml.merges', 'strings', all((i) => `${token(i)} ${token(i + 1)}`)],
      ['tokenizer.chat_template', 'string', 'ü'.repeat(1_000_000)],
    ],
    [{ name: 'token_embd.weight', type: 'F32', shape: [1, 32] }],
  );
  await writer.write(
    'token_embd.weight',
    encodeGguf(
      'F32',
      Float32Array.from({ length: 32 }, (_, i) => i),
    ),
  );
  await writer.close();
  const content = readFileSync(path);
  expect(content.byteLength).toBe(expected.bytes);
  expect(createHash('sha256').update(content).digest('hex')).toBe(expected.sha256);
  const { metadata, readFloat32, close } = await openGguf(path);
  expect(metadata.get('tokenizer.ggml.tokens')).toEqual(all(token));
  expect(metadata.get('tokenizer.ggml.scores')).toEqual(all((i) => (0 - i) / 8));
  expect(metadata.get('tokenizer.ggml.merges')).toHaveLength(count);
  expect(metadata.get('tokenizer.chat_template')).toBe('ü'.repeat(1_000_000));
  expect([...(await readFloat32('token_embd.weight'))]).toEqual(Array.from({ length: 32 }, (_, i) => i));
  await close();
});
