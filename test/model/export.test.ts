// Exports: GGUF byte for byte as gguf writes it, adapters as PEFT writes and runs them, folded matrices, compact folders and back.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createGguf } from '../../formats/tensors/gguf.ts';
import type { GgufType } from '../../formats/tensors/gguf-types.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { loadModel, openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import { writeCompact } from '../../model/export/compact.ts';
import { writeGguf } from '../../model/export/gguf.ts';
import { pretokenizerOf } from '../../model/export/gguf-pretokenizer.ts';
import { ggufTokenizer } from '../../model/export/gguf-tokenizer.ts';
import { writeHuggingFace } from '../../model/export/huggingface.ts';
import { writePeft } from '../../model/export/peft.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { importCompact } from '../../model/import/compact.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { matrixShapes, methodNames } from '../../model/methods/registry.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { applyMatrix, expandMatrix, tensorProduct } from '../../model/sharing/tensor-matrix.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, type Packed, scratch, unpack } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const folder = fileURLToPath(new URL('../fixtures/export', import.meta.url));
const json = <T>(...path: string[]) => JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as T;

beforeAll(() => useBackend({ backend: 'cpu' }));

/** A folder of the fixtures as a checkpoint. */
async function imported(...path: string[]): Promise<string> {
  const checkpoint = join(await scratch(), 'model.arrow');
  await importHuggingFace(join(folder, ...path), checkpoint);
  return checkpoint;
}

async function sourceOf(model: string, recovery: readonly string[] = []) {
  const source = await openExportSource(model, recovery);
  onTestFinished(() => source.close());
  return source;
}

const filesIn = (to: string) => ({
  config: join(to, 'config.json'),
  weights: join(to, 'model.safetensors'),
  ...textFilesIn(to),
});

const compactIn = (to: string) => ({
  ...filesIn(to),
  weights: join(to, 'shared.safetensors'),
  map: join(to, 'sharp.json'),
});

/** Logits of a checkpoint, with a recovery on top where one is given. */
async function logitsOf(path: string, ids: number[], recoveryPath?: string): Promise<Float32Array> {
  const { config, weights } = await loadModel(path);
  const recovery = recoveryPath === undefined ? undefined : await readRecovery([recoveryPath], config);
  const model = createModel(weights, recovery);
  const logits = forward(model, tf.tensor2d([ids], undefined, 'int32'));
  const values = (await logits.data()).slice() as Float32Array;
  logits.dispose();
  model.disposeFrames();
  weights.dispose();
  if (recovery) disposeRecovery(recovery);
  return values;
}

describe('GGUF', () => {
  type Expected = Record<string, Record<string, { bytes: number; sha256: string }>>;
  const { versions: _versions, ...expected } = json<Expected>('gguf', 'expected.json');
  const cases = Object.entries(expected).flatMap(([model, types]) =>
    Object.keys(types).map((type) => [model, type] as const),
  );

  it.each(cases)("'%s' as %s is byte for byte the file that gguf's own writer makes", async (model, type) => {
    const source = await sourceOf(await imported('gguf', model));
    const path = join(await scratch(), 'model.gguf');
    const written = await writeGguf(source, path, { type: type as 'F32', name: 'lamina model' });
    const content = await readFile(path);
    expect(content.byteLength).toBe(expected[model]?.[type]?.bytes);
    expect(createHash('sha256').update(content).digest('hex')).toBe(expected[model]?.[type]?.sha256);
    // these have rows of 48 numbers, which blocks of 32 do not divide
    const unblocked = model === 'level' ? ['self_attn.o_proj', 'mlp.down_proj'] : ['mlp.down_proj'];
    const names = [0, 1].flatMap((layer) => unblocked.map((name) => `model.layers.${layer}.${name}.weight`));
    expect(written.unblocked).toEqual(type.startsWith('Q') ? names : []);
    expect(written.exact_tokenizer).toBe(true);
    expect(written.unique_bytes).toBe(written.expanded_bytes); // nothing is shared
  });

  it('refuses names that ggml cannot keep, and rows that are no blocks', async () => {
    const path = join(await scratch(), 'model.gguf');
    const tensor = (name: string, shape = [1, 32]) => [{ name, type: 'Q8_0' as const, shape }];
    const writer = await createGguf(path, [], tensor('n'.repeat(63)));
    await writer.write('n'.repeat(63), new Uint8Array(34));
    await writer.close();
    await expect(createGguf(path, [], tensor('n'.repeat(64)))).rejects.toThrow(/at most 63 bytes, got 64$/);
    await expect(createGguf(path, [], tensor('ü'.repeat(32)))).rejects.toThrow(/at most 63 bytes, got 64$/);
    await expect(createGguf(path, [], tensor('t', [2, 48]))).rejects.toThrow(
      /rows of a multiple of 32 numbers for Q8_0, got 48$/,
    );
    await expect(createGguf(path, [], tensor('t', [1, 1, 1, 1, 32]))).rejects.toThrow(/at most 4 dimensions, got 5$/);
  });

  it('refuses numbers that a type cannot hold, and writes them where it can', async () => {
    const source = await sourceOf(await imported('gguf', 'level'));
    const q = 'model.layers.1.self_attn.q_proj.weight';
    const path = join(await scratch(), 'model.gguf');
    const write = (type: GgufType, value: number) => {
      const read = async (name: string) => {
        const values = await source.read(name);
        return name === q ? values.fill(value, 5, 6) : values;
      };
      return writeGguf({ ...source, read }, path, { type, name: 'x' });
    };
    await expect(write('Q8_0', Number.NaN)).rejects.toThrow(`tensor '${q}' holds NaN, expected finite numbers`);
    await expect(write('Q4_0', Number.NaN)).rejects.toThrow(`tensor '${q}' holds NaN, expected finite numbers`);
    await write('F16', Number.NaN);
    await expect(write('F16', 1e5)).rejects.toThrow(`tensor '${q}' holds 100000, expected at most 65504 for float16`);
    await write('BF16', 1e5);
  });

  it('says what it needs of a tokenizer', () => {
    const files = (tokenizer_json: string | null) => ({ tokenizer_json, tokenizer_config_json: null });
    const config = tinyConfig();
    const of = (text: string | null) => () => ggufTokenizer(files(text), config);
    expect(of(null)).toThrow("format: gguf needs the model's tokenizer, but the model came without a 'tokenizer.json'");
    const level = readFileSync(join(folder, 'gguf', 'level', 'tokenizer.json'), 'utf8');
    expect(of(level)).toThrow("the tokenizer has 380 tokens, expected at most the model's 20");
    const plain = { model: { type: 'BPE', vocab: { a: 0 }, merges: [] } };
    expect(of(JSON.stringify(plain))).toThrow(/covers every byte \(ByteLevel or byte_fallback\), got neither$/);
    const unigram = { model: { type: 'Unigram', vocab: [['a', 0]], unk_id: 0 } };
    expect(of(JSON.stringify(unigram))).toThrow(/tokenizers, got 'Unigram'$/);
  });

  it("names llama.cpp's pre-tokenizer, and says when there is none", () => {
    const split = (Regex: string) => ({
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex }, behavior: 'Isolated' },
        { type: 'ByteLevel', use_regex: false },
      ],
    });
    expect(pretokenizerOf({ type: 'ByteLevel', add_prefix_space: false })).toEqual({ name: 'gpt-2', exact: true });
    expect(pretokenizerOf(split('\\S+|\\s+'))).toEqual({ name: 'gpt-2', exact: false });
    expect(pretokenizerOf(null)).toEqual({ name: 'gpt-2', exact: false });
  });
});

describe('PEFT', () => {
  interface Expected {
    replacements: Replacement[];
    parameters: Record<string, Packed>;
    tokens: number[];
    logits: Packed;
    adapter_config: Record<string, unknown>;
  }
  const expected = json<Expected>('peft', 'expected.json');
  const tensors = Object.entries(expected.parameters).map(([name, packed]) => {
    return { name, shape: packed.shape, read: async () => unpack(packed) };
  });

  async function withRecovery() {
    const model = await imported('peft', 'base');
    const recovery = join(await scratch(), 'recovery.arrow');
    await writeRecoveryTensors(recovery, expected.replacements, tensors);
    return { model, recovery };
  }

  it('the adapter is the file that PEFT saves, and alpha is folded into the base', async () => {
    const { model, recovery } = await withRecovery();
    const to = await scratch();
    const files = { ...filesIn(to), adapter_config: join(to, 'ac.json'), adapter_model: join(to, 'am.safetensors') };
    const { folded } = await writePeft(await sourceOf(model, [recovery]), files, 'F32');
    expect(folded).toEqual([3]);
    const [ours, theirs] = await Promise.all(
      [files.adapter_model, join(folder, 'peft', 'adapter_model.safetensors')].map(openSafetensors),
    );
    expect([...(ours?.tensors.keys() ?? [])].sort()).toEqual([...(theirs?.tensors.keys() ?? [])].sort());
    for (const [name, { shape }] of theirs?.tensors ?? []) {
      expect(ours?.tensors.get(name)?.shape, name).toEqual(shape);
      expect(await ours?.readFloat32(name), name).toEqual(await theirs?.readFloat32(name));
    }
    await Promise.all([ours?.close(), theirs?.close()]);
    const { target_modules, ...config } = JSON.parse(await readFile(files.adapter_config, 'utf8'));
    expect({ ...config, target_modules: target_modules.toSorted() }).toMatchObject(expected.adapter_config);
    await importHuggingFace(to, join(to, 'base.arrow'));
    const [base, original] = await Promise.all([openStored(join(to, 'base.arrow')), openStored(model)]);
    const gate = (layer: number) => `model.layers.${layer - 1}.mlp.gate_proj.weight`;
    const lent = await original.readFloat32(gate(2));
    expect(await base.readFloat32(gate(3))).toEqual(lent.map((value) => 0.75 * value));
    expect(await base.readFloat32(gate(4))).toEqual(await original.readFloat32(gate(4)));
    await Promise.all([base.close(), original.close()]);
  });

  it('the model with its recovery, and the folder with it folded in, have the logits of PEFT', async () => {
    const { model, recovery } = await withRecovery();
    const logits = unpack(expected.logits);
    expectClose(await logitsOf(model, expected.tokens, recovery), logits, 1e-4, 'logits with recovery');
    const to = await scratch();
    await writeHuggingFace(await sourceOf(model, [recovery]), filesIn(to), 'F32');
    await importHuggingFace(to, join(to, 'folded.arrow'));
    expectClose(await logitsOf(join(to, 'folded.arrow'), expected.tokens), logits, 1e-4, 'logits, folded');
  });

  it('refuses what LoRA cannot hold', async () => {
    const model = await imported('peft', 'base');
    const recovery = join(await scratch(), 'recovery.arrow');
    const to = await scratch();
    const files = { ...filesIn(to), adapter_config: join(to, 'ac.json'), adapter_model: join(to, 'am.safetensors') };
    const refused = expect(writePeft(await sourceOf(model), files, 'F32')).rejects;
    await refused.toThrow(/^format: peft needs recovery parameters for its adapter, got none: /);
    const { config } = await sourceOf(model);
    const replacements = [{ target: 3, reference: 2, candidate: 'g3', rank: 1 }];
    await writeRecoveryTensors(recovery, replacements, someTensors(config, replacements));
    await expect(writePeft(await sourceOf(model, [recovery]), files, 'F32')).rejects.toThrow(
      /^format: peft can hold candidates 'g0', 'g0_tied' and 'lora' only, got 'g3' at layer 3; /,
    );
  });
});

/** Random recovery parameters. */
function someTensors(config: Parameters<typeof recoveryShapes>[0], replacements: readonly Replacement[]) {
  return [...recoveryShapes(config, replacements)].map(([name, shape]) => {
    const values = normals(
      shape.reduce((a, b) => a * b, 1),
      name,
    ).map((value) => 0.3 * value);
    return { name, shape, read: async () => values };
  });
}

describe('folding a recovery into whole matrices', () => {
  it.each(methodNames)('%s: the whole matrix is what the factors do', async (candidate) => {
    const [d, f, rank] = [6, 10, 2];
    for (const projection of ['gate', 'up', 'down'] as const) {
      const shapes = matrixShapes(candidate, d, f, rank);
      const parameters = Object.fromEntries(
        Object.entries(shapes).map(([name, shape]) => {
          return [
            name,
            tf.tensor(
              normals(
                shape.reduce((a, b) => a * b, 1),
                `${candidate}${name}`,
              ),
              shape,
            ),
          ];
        }),
      );
      const parameter = (name: string) => parameters[name] as tf.Tensor;
      const [out, input] = projection === 'down' ? [d, f] : [f, d];
      const weight = tf.tensor2d(normals(d * f, projection), [out, input]);
      const x = tf.tensor2d(normals(3 * input, 'x'), [3, input]);
      const whole = tf.matMul(x, expandMatrix(candidate, projection, weight, parameter), false, true);
      const factored = applyMatrix(
        candidate,
        projection,
        x,
        tensorProduct(() => weight),
        parameter,
      );
      expectClose(await whole.data(), await factored.data(), 1e-5, projection);
    }
  });
});

describe('the compact folder', () => {
  const widths = { num_hidden_layers: 8, intermediate_sizes: [12, 12, 12, 8, 12, 12, 12, 12] };
  const replacements: Replacement[] = [
    { target: 3, reference: 2, candidate: 'g3', rank: 2 },
    { target: 4, reference: 4, candidate: 'g0', rank: 1 },
    { target: 6, reference: 5, candidate: 'g0', rank: 0 },
    { target: 7, reference: null, candidate: 'g0', rank: 0 },
  ];
  const ids = [3, 1, 4, 1, 5, 9, 2, 6];

  async function made() {
    const from = await scratch();
    const config = tinyConfig(widths);
    const weights = tinyWeights(config);
    const paths = { model: join(from, 'model.arrow'), recovery: join(from, 'recovery.arrow') };
    await writeModel(
      paths.model,
      config,
      weights,
      { tokenizer_json: '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]}}', tokenizer_config_json: null },
      'BF16',
    );
    weights.dispose();
    await writeRecoveryTensors(paths.recovery, replacements, someTensors(config, replacements));
    return paths;
  }

  async function compact() {
    const paths = await made();
    const to = await scratch();
    const sizes = await writeCompact(await sourceOf(paths.model, [paths.recovery]), compactIn(to), 'BF16');
    return { paths, to, sizes };
  }

  it('comes back with the same recovery to the byte, the same stored tensors and the same logits', async () => {
    const { paths, to } = await compact();
    const again = { model: join(to, 'model.arrow'), recovery: join(to, 'recovery.arrow') };
    await importCompact(to, again);
    expect(await readFile(again.recovery)).toEqual(await readFile(paths.recovery));
    const [before, after] = await Promise.all([openStored(paths.model), openStored(again.model)]);
    const gone = /layers\.(2|5|6)\.mlp/; // of layers 3, 6 and 7
    for (const [name, tensor] of before.tensors) {
      if (!gone.test(name)) expect(await after.tensors.get(name)?.bytes(), name).toEqual(await tensor.bytes());
    }
    await Promise.all([before.close(), after.close()]);
    expect(await logitsOf(again.model, ids, again.recovery)).toEqual(await logitsOf(paths.model, ids, paths.recovery));
  });

  it('has the same bytes every time, holds each stored tensor once, and is smaller by what is shared', async () => {
    const [first, second] = [await compact(), await compact()];
    for (const name of ['config.json', 'shared.safetensors', 'sharp.json', 'tokenizer.json']) {
      expect(await readFile(join(first.to, name)), name).toEqual(await readFile(join(second.to, name)));
    }
    const reader = await openSafetensors(join(first.to, 'shared.safetensors'));
    const stored = [...reader.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    await reader.close();
    expect(first.sizes.unique_bytes).toBe(stored + 6 * 4); // six alphas stand in sharp.json
    // 3 matrices of 8 x 12 in bfloat16 less for each of 3 layers, and more where channels come back: 3 x 8 x 4
    const recovery = 4 * (3 * (1 + 2 * 2 * (8 + 12)) + 3 * (1 + 1 * (8 + 8)));
    expect(first.sizes.expanded_bytes - first.sizes.unique_bytes).toBe(2 * (3 * 3 * 8 * 12 + 3 * 8 * 4) - recovery);
  });

  it('folded in, it has the same logits; narrow MLPs are padded and pruned ones are zeros', async () => {
    const { model, recovery } = await made();
    const to = await scratch();
    const source = await sourceOf(model, [recovery]);
    await writeHuggingFace(source, filesIn(to), 'F32');
    expect(source.padded).toEqual([4]);
    await importHuggingFace(to, join(to, 'folded.arrow'));
    expectClose(await logitsOf(join(to, 'folded.arrow'), ids), await logitsOf(model, ids, recovery), 1e-5, 'logits');
    expect(existsSync(join(to, 'tokenizer_config.json'))).toBe(false);
    expect((await stat(join(to, 'tokenizer.json'))).size).toBeGreaterThan(0);
  });

  it.each([
    ['"version": 1', '"version": 2', /'version' must be 1, got 2$/],
    ['"shared.safetensors"', '"../other"', /'weights' must be "shared.safetensors", got "..\/other"$/],
    ['"target": 3', '"target": 30', /replacement 1: 'target' must be a layer from 1 to 8$/],
    ['"rank": 2', '"rank": 3', /tensor 'layers.3.mlp.gate.A': expected F32 of \[8, 3\], got F32 of \[8, 2\]$/],
    ['"reference": 5', '"reference": 7', /layer 7 is the reference of layer 6, but its own MLP is replaced/],
    [
      '"target": 6',
      '"target": 8',
      /tensor 'model.layers.7.mlp.gate_proj.weight', but 'sharp.json' says that layer 8 has no MLP of its own$/,
    ],
    ['"gate": ', '"gates": ', /'alpha' of layer 3 must hold a number for 'gate', got nothing$/],
  ])('is refused with %s as %s', async (from, to, message) => {
    const { to: place } = await compact();
    const copy = await scratch();
    await cp(place, copy, { recursive: true });
    const text = await readFile(join(copy, 'sharp.json'), 'utf8');
    await writeFile(join(copy, 'sharp.json'), text.replace(from, to));
    const paths = { model: join(copy, 'model.arrow'), recovery: join(copy, 'recovery.arrow') };
    await expect(importCompact(copy, paths)).rejects.toThrow(message);
  });
});
