"""PyTorch's process in the engine benchmark: python torch_side.py TASK THREADS MODEL_FOLDER ARRAYS.

Eager PyTorch, the same formulas as lamina's `model` folder, written with PyTorch's own fused functions where it has
them (rms_norm, scaled_dot_product_attention, cross_entropy, fused Adam). Reads numbers of steps from standard input,
makes them, and answers each with one line of JSON.
"""

import json
import platform
import sys
import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file


class Llama:
    """A Llama whose MLPs can be those of a reference layer with recovery parameters (g0); layers count from 1."""

    def __init__(self, folder, references=None, recovery=None):
        with open(f"{folder}/config.json") as file:
            self.config = json.load(file)
        self.weights = {name: value.float() for name, value in load_file(f"{folder}/model.safetensors").items()}
        self.references = references or {}
        self.recovery = recovery or {}
        self.heads = self.config["num_attention_heads"]
        self.groups = self.config.get("num_key_value_heads") or self.heads
        self.size = self.config.get("head_dim") or self.config["hidden_size"] // self.heads
        self.tables = {}

    def layer(self, layer, name):
        return self.weights[f"model.layers.{layer - 1}.{name}.weight"]

    def rope(self, tokens):
        if tokens not in self.tables:
            theta = self.config.get("rope_theta", 10000.0)
            frequencies = theta ** -(torch.arange(0, self.size, 2, dtype=torch.float64) / self.size)
            angles = torch.outer(torch.arange(tokens, dtype=torch.float64), frequencies).repeat(1, 2)
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

    def logits(self, ids):
        h = F.embedding(ids, self.weights["model.embed_tokens.weight"])
        for layer in range(1, self.config["num_hidden_layers"] + 1):
            h = h + self.attention(layer, self.norm(h, self.layer(layer, "input_layernorm")))
            h = h + self.mlp(layer, self.norm(h, self.layer(layer, "post_attention_layernorm")))
        head = "model.embed_tokens.weight" if self.config.get("tie_word_embeddings") else "lm_head.weight"
        return F.linear(self.norm(h, self.weights["model.norm.weight"]), self.weights[head])


def recovery_of(arrays, targets):
    """Trainable copies of the recovery parameters of some layers."""
    names = [name for name in arrays if name.startswith(tuple(f"layers.{target}." for target in targets))]
    return {name: arrays[name].clone().requires_grad_() for name in names}


def targets_of(arrays):
    """Target layers, ascending; T_next, so the reference is the layer before."""
    return sorted({int(name.split(".")[1]) for name in arrays if name.startswith("layers.")})


def forward_task(folder, arrays):
    model, ids = Llama(folder), arrays["forward_ids"].long()

    def step(i):
        with torch.inference_mode():
            return model.logits(ids[i % len(ids)])[-1, -1].abs().mean()

    return step


def slw_task(folder, arrays):
    target = targets_of(arrays)[0]
    recovery = recovery_of(arrays, [target])
    student, teacher = Llama(folder, {target: target - 1}, recovery), Llama(folder)
    rows, order = arrays["rows"], arrays["order"].long()
    with torch.inference_mode():
        outputs = teacher.mlp(target, rows)
    outputs = outputs.clone()
    optimizer = torch.optim.Adam(recovery.values(), lr=1e-3, fused=True)

    def step(i):
        chosen = order[i % len(order)]
        loss = F.mse_loss(student.mlp(target, rows[chosen]), outputs[chosen])
        return train(optimizer, loss)

    return step


def sft_task(folder, arrays):
    targets = targets_of(arrays)
    recovery = recovery_of(arrays, targets)
    model, ids = Llama(folder, {target: target - 1 for target in targets}, recovery), arrays["sft_ids"].long()
    optimizer = torch.optim.AdamW(recovery.values(), lr=1e-3, weight_decay=0.0, fused=True)

    def step(i):
        batch = ids[i % len(ids)]
        logits = model.logits(batch)[:, :-1]
        return train(optimizer, F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten()))

    return step


def train(optimizer, loss):
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return loss.detach()


def gemm_task(_folder, _arrays):
    a, b = torch.full((1024, 1024), 0.5), torch.full((1024, 1024), 0.25)
    return lambda i: (a @ b)[0, 0]


def copy_task(_folder, _arrays):
    source, target = torch.ones(2**25), torch.zeros(2**25)

    def step(i):
        target.copy_(source)
        return target[0]

    return step


def main():
    task, threads, folder, path = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    tasks = {"forward": forward_task, "slw": slw_task, "sft": sft_task, "gemm": gemm_task, "copy": copy_task}
    step = tasks[task](folder, load_file(path))
    print(json.dumps({"torch": torch.__version__, "python": platform.python_version()}), flush=True)
    done = 0
    for line in sys.stdin:
        start, cpu, value = time.perf_counter(), time.process_time(), 0.0
        for _ in range(int(line)):
            value = step(done).item()
            done += 1
        wall_ms, cpu_ms = (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000
        print(json.dumps({"wall_ms": wall_ms, "cpu_ms": cpu_ms, "value": value}), flush=True)


main()
