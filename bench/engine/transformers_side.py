"""transformers' process in the engine benchmark: python transformers_side.py TASK THREADS INPUTS."""

import inspect
import json
import platform
import sys
import warnings

import torch
import transformers
from safetensors.torch import load_file
from serve import serve
from transformers import AutoModelForCausalLM

IGNORED = -100


def load(folder):
    key = "dtype" if int(transformers.__version__.split(".")[0]) >= 5 else "torch_dtype"
    return AutoModelForCausalLM.from_pretrained(folder, **{key: torch.float32}).eval()


def evaluation_task(inputs):
    """The whole evaluation, record by record, from the model's files to the mean over the answers' tokens."""
    count = len(inputs["evaluated"]["lengths"])

    def evaluate(_):
        model, arrays = load(inputs["modelFolder"]), load_file(inputs["arrays"])
        lengths = arrays["record_lengths"].tolist()
        ids, labels = (arrays[name].long().split(lengths)[:count] for name in ("record_ids", "record_labels"))
        total, tokens = 0.0, 0
        with torch.inference_mode():
            for one, answer in zip(ids, labels):
                scored = int((answer[1:] != IGNORED).sum())
                total += model(input_ids=one[None], labels=answer[None]).loss.item() * scored
                tokens += scored
        return total / tokens

    return evaluate


def prompt_task(inputs):
    model, ids = load(inputs["modelFolder"]), load_file(inputs["arrays"])["prompt"].long()
    last = last_alone(model)

    def step(i):
        with torch.inference_mode():
            logits = model(input_ids=ids[i % len(ids)], use_cache=True, **last).logits
            return logits[0, -1].abs().mean().item()

    return step


def decode_task(texts):
    def task(inputs):
        model, prompts = load(inputs["modelFolder"]), load_file(inputs["arrays"])["decode"].long()[:texts]
        last, limit = last_alone(model), inputs["sizes"]["decode"]["to"]
        state = {"length": 0}

        def step(_):
            begin = state["length"] == 0
            given = {} if begin else {"past_key_values": state["cache"]}
            with torch.inference_mode():
                found = model(input_ids=prompts if begin else state["new"], use_cache=True, **given, **last)
            logits = found.logits[:, -1]
            state["cache"], state["new"] = found.past_key_values, logits.argmax(-1, keepdim=True)
            state["length"] = (prompts.shape[1] if begin else state["length"]) + 1
            if state["length"] >= limit:
                state["length"] = 0
            return logits[0].abs().mean().item()

        return step

    return task


def last_alone(model):
    """Logits for the last token only, as `generate` asks for them; the argument has had two names."""
    known = inspect.signature(model.forward).parameters
    name = next(name for name in ("logits_to_keep", "num_logits_to_keep") if name in known)
    return {name: 1}


TASKS = {
    "perplexity-eval": evaluation_task,
    "prompt": prompt_task,
    "decode-1": decode_task(1),
    "decode-8": decode_task(8),
}

if __name__ == "__main__":
    task, threads, path = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)
    warnings.filterwarnings("ignore", category=FutureWarning)  # of arguments that have a new name in a later version
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with open(path) as file:
        step = TASKS[task](json.load(file))
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    serve(step, {**versions, "python": platform.python_version()})
