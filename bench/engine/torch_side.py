"""PyTorch's process in the engine benchmark: python torch_side.py TASK THREADS INPUTS.

PyTorch, eager unless it is told to compile, the same formulas as lamina's `model` folder, written with PyTorch's own fused functions where it has
them (rms_norm, scaled_dot_product_attention, cross_entropy, fused Adam). Each task reads only what it needs.
"""

import json
import os
import platform
import sys

import torch
import torch.nn.functional as F
from rope import frequencies
from safetensors import safe_open
from safetensors.torch import load_file
from serve import serve

IGNORED = -100


class Llama:
    """A Llama whose MLPs can be those of a reference layer with recovery parameters (g0); layers count from 1."""

    def __init__(self, folder, pairs=(), recovery=None, layers=None):
        with open(f"{folder}/config.json") as file:
            self.config = json.load(file)
        if self.config["model_type"] != "llama":
            raise SystemExit(f"PyTorch's side has a plain Llama, got a model of type '{self.config['model_type']}': use --alone")
        self.weights = read_weights(folder, layers)
        self.references = {pair["target"]: pair["reference"] for pair in pairs}
        self.recovery = recovery or {}
        self.heads = self.config["num_attention_heads"]
        self.groups = self.config.get("num_key_value_heads") or self.heads
        self.size = self.config.get("head_dim") or self.config["hidden_size"] // self.heads
        self.tables = {}

    def layer(self, layer, name):
        return self.weights[f"model.layers.{layer - 1}.{name}.weight"]

    def rope(self, tokens):
        if tokens not in self.tables:
            each = frequencies(self.config, self.size)
            angles = torch.outer(torch.arange(tokens, dtype=torch.float64), each).repeat(1, 2)
            self.tables[tokens] = (angles.cos().float(), angles.sin().float())
        return self.tables[tokens]

    def norm(self, x, weight):
        return F.rms_norm(x, (x.shape[-1],), weight, self.config["rms_norm_eps"])

    def attention(self, layer, x):
        batch, tokens, _ = x.shape
        cos, sin = self.rope(tokens)

        def project(name, count):
            y = F.linear(x, self.layer(layer, f"self_attn.{name}_proj"))
            return y.view(batch, tokens, count, self.size).transpose(1, 2)

        def rotate(y):
            first, second = y.chunk(2, -1)
            return y * cos + torch.cat((-second, first), -1) * sin

        q, k, v = rotate(project("q", self.heads)), rotate(project("k", self.groups)), project("v", self.groups)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.groups != self.heads)
        return F.linear(mixed.transpose(1, 2).reshape(batch, tokens, -1), self.layer(layer, "self_attn.o_proj"))

    def project(self, layer, name, x):
        weight = self.layer(self.references.get(layer, layer), f"mlp.{name}_proj")
        prefix = f"layers.{layer}.mlp.{name}."
        if prefix + "A" not in self.recovery:
            return F.linear(x, weight)
        alpha, a, b = (self.recovery[prefix + part] for part in ("alpha", "A", "B"))
        if name == "down":
            return F.linear(x, weight) * alpha + F.linear(F.linear(x, b), a)
        return F.linear(x * alpha, weight) + (x @ a) @ b

    def mlp(self, layer, x):
        return self.project(layer, "down", F.silu(self.project(layer, "gate", x)) * self.project(layer, "up", x))

    def loss(self, ids, labels):
        """Mean over the tokens [B, T] that have a label; logits are made for these alone."""
        h = F.embedding(ids, self.weights["model.embed_tokens.weight"])
        for layer in range(1, self.config["num_hidden_layers"] + 1):
            h = h + self.attention(layer, self.norm(h, self.layer(layer, "input_layernorm")))
            h = h + self.mlp(layer, self.norm(h, self.layer(layer, "post_attention_layernorm")))
        head = "model.embed_tokens.weight" if self.config.get("tie_word_embeddings") else "lm_head.weight"
        scored = labels[:, 1:] != IGNORED
        states = self.norm(h[:, :-1][scored], self.weights["model.norm.weight"])
        return F.cross_entropy(F.linear(states, self.weights[head]), labels[:, 1:][scored])


def read_weights(folder, layers):
    """float32; only the MLPs of `layers` where these are given."""
    chosen = None if layers is None else tuple(f"model.layers.{layer - 1}.mlp." for layer in layers)
    weights = {}
    for path in weight_files(folder):
        with safe_open(path, "pt") as file:
            for name in file.keys():
                if chosen is None or name.startswith(chosen):
                    weights[name] = file.get_tensor(name).float()
    return weights


def weight_files(folder):
    try:
        with open(f"{folder}/model.safetensors.index.json") as file:
            return sorted({f"{folder}/{name}" for name in json.load(file)["weight_map"].values()})
    except FileNotFoundError:
        return [f"{folder}/model.safetensors"]


def recovery_of(arrays, pairs):
    """Trainable copies of the recovery parameters of some pairs."""
    prefixes = tuple(f"layers.{pair['target']}." for pair in pairs)
    names = [name for name in arrays if name.startswith(prefixes)]
    return {name: arrays[name].clone().requires_grad_() for name in names}


def answers_of(ids):
    """Labels of texts whose second half is scored."""
    labels = ids.clone()
    labels[:, : ids.shape[1] // 2] = IGNORED
    return labels


def forward_task(inputs):
    model, ids = Llama(inputs["modelFolder"]), load_file(inputs["arrays"])["forward"].long()

    def step(i):
        with torch.inference_mode():
            batch = ids[i % len(ids)]
            return model.loss(batch, answers_of(batch)).item()

    return step


def slw_task(inputs):
    """A plain loop over the same rows in the same order, from the files to fitted parameters."""
    pair, slw = inputs["pairs"][0], inputs["sizes"]["slw"]

    def unit(_):
        arrays = load_file(inputs["arrays"])
        recovery = recovery_of(arrays, [pair])
        model = Llama(inputs["modelFolder"], [pair], recovery, [pair["reference"], pair["target"]])
        teacher = Llama(inputs["modelFolder"], layers=[pair["target"]])
        rows, order = arrays["rows"], arrays["slw_order"].long()
        with torch.no_grad():
            outputs = torch.cat([teacher.mlp(pair["target"], part) for part in rows.split(slw["batch_tokens"])])
        optimizer = torch.optim.Adam(recovery.values(), lr=LEARNING_RATE, fused=True)
        for chosen in order:
            loss = F.mse_loss(model.mlp(pair["target"], rows[chosen]), outputs[chosen])
            train(optimizer, [loss])
        return loss.item()

    return unit


def sft_step_task(inputs):
    arrays = load_file(inputs["arrays"])
    recovery = recovery_of(arrays, inputs["pairs"])
    model = Llama(inputs["modelFolder"], inputs["pairs"], recovery)
    return training_step(model, recovery, arrays, LEARNING_RATE)


def train_step_task(inputs):
    model = Llama(inputs["modelFolder"])
    for weight in model.weights.values():
        weight.requires_grad_()
    return training_step(model, model.weights, load_file(inputs["arrays"]), TRAINING_RATE)


def training_step(model, variables, arrays, rate):
    ids = arrays["step"].long()
    optimizer = torch.optim.AdamW(variables.values(), lr=rate, weight_decay=0.0, fused=True)

    def step(i):
        batch = ids[i % len(ids)]
        loss = model.loss(batch, answers_of(batch))
        train(optimizer, [loss])
        return loss.item()

    return step


def sft_task(inputs):
    """The same micro batches and learning rates, from the files to trained parameters; padded to the longest record of each."""
    sizes = inputs["sizes"]["sft"]
    micros = sizes["batch_size"] // sizes["micro_batch"]

    def run(_):
        arrays = load_file(inputs["arrays"])
        recovery = recovery_of(arrays, inputs["pairs"])
        model = Llama(inputs["modelFolder"], inputs["pairs"], recovery)
        optimizer = torch.optim.AdamW(recovery.values(), lr=LEARNING_RATE, weight_decay=0.0, fused=True)
        records = records_of(arrays)
        for step, rate in enumerate(arrays["sft_rates"].tolist()):
            optimizer.param_groups[0]["lr"] = rate
            chosen = arrays["sft_order"][step * micros : (step + 1) * micros].tolist()
            loss = train(optimizer, (model.loss(*padded([records[i] for i in some])) / micros for some in chosen))
        return loss

    return run


def records_of(arrays):
    """(ids, labels) of each record."""
    lengths = arrays["record_lengths"].tolist()
    return list(zip(arrays["record_ids"].long().split(lengths), arrays["record_labels"].long().split(lengths)))


def padded(records):
    ids = torch.nn.utils.rnn.pad_sequence([ids for ids, _ in records], batch_first=True)
    labels = torch.nn.utils.rnn.pad_sequence([labels for _, labels in records], batch_first=True, padding_value=IGNORED)
    return ids, labels


def train(optimizer, losses):
    """One step of the sum of `losses`, each taken backward before the next is made."""
    optimizer.zero_grad(set_to_none=True)
    total = 0.0
    for loss in losses:
        loss.backward()
        total += loss.item()
    optimizer.step()
    return total


def gemm_task(_inputs):
    a, b = torch.full((1024, 1024), 0.5), torch.full((1024, 1024), 0.25)
    return lambda i: (a @ b)[0, 0].item()


def copy_task(_inputs):
    source, target = torch.ones(2**25), torch.zeros(2**25)

    def step(i):
        target.copy_(source)
        return target[0].item()

    return step


TASKS = {
    "forward": forward_task,
    "slw": slw_task,
    "sft-step": sft_step_task,
    "sft": sft_task,
    "train-step": train_step_task,
    "gemm": gemm_task,
    "copy": copy_task,
}
LEARNING_RATE = 1e-3
TRAINING_RATE = 1e-4

if __name__ == "__main__":
    task, threads, path = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    version = torch.__version__
    if os.environ.get("LAMINA_BENCH_COMPILED"):  # --compiled: loss and gradient by TorchInductor, which needs a C++ compiler
        Llama.loss = torch.compile(Llama.loss)
        Llama.mlp = torch.compile(Llama.mlp)
        version += " with torch.compile"
    with open(path) as file:
        step = TASKS[task](json.load(file))
    serve(step, {"torch": version, "python": platform.python_version()})
