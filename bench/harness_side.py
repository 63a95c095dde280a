"""lm-evaluation-harness's process in the task benchmark: python harness_side.py WORKLOAD INPUTS ANSWERS THREADS BATCH SEED.

lm_eval's own evaluator over its backend `hf` (transformers on PyTorch), with the task files and records that lamina
reads. Reads numbers of evaluations from standard input, makes them, and answers each with one line of JSON.
"""

import json
import logging
import os
import platform
import sys
import time
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import datasets
import torch
import transformers
from importlib.metadata import version
from lm_eval import evaluator
from lm_eval.api import task as api_task
from lm_eval.api.task import ConfigurableTask
from lm_eval.models import huggingface
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager, get_task_dict

WORKLOAD, INPUTS = json.loads(sys.argv[1]), json.loads(sys.argv[2])
ANSWERS, THREADS, BATCH, SEED = sys.argv[3], int(sys.argv[4]), int(sys.argv[5]), int(sys.argv[6])
logging.disable(logging.WARNING)
transformers.logging.set_verbosity_error()
torch.set_num_threads(THREADS)
torch.set_num_interop_threads(1)
torch.set_flush_denormal(True)
bar = huggingface.tqdm
huggingface.tqdm = api_task.tqdm = lambda *args, **kwargs: bar(*args, **{**kwargs, "disable": True})


def load_local(task, dataset_kwargs=None):
    """The records that lamina reads, instead of a download."""
    found = {}
    for path in sorted((Path(INPUTS["data"]) / task.config.task).iterdir()):
        found[path.stem] = datasets.Dataset.from_list([json.loads(line) for line in path.read_text().splitlines()])
    task.dataset = datasets.DatasetDict(found)


def prepare():
    """The model, and the task as `simple_evaluate` makes it."""
    ConfigurableTask.download = load_local
    folder = next(path.parent for path in Path(INPUTS["definitions"]).rglob(f"{WORKLOAD['task']}.yaml"))
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    model = HFLM(pretrained=INPUTS["modelFolder"], device="cpu", dtype="float32", batch_size=BATCH)
    tasks = get_task_dict([WORKLOAD["task"]], manager)
    (task,) = tasks.values()
    task.set_config(key="num_fewshot", value=WORKLOAD["num_fewshot"])
    if WORKLOAD["max_gen_toks"] > 0:
        task.config.generation_kwargs["max_gen_toks"] = WORKLOAD["max_gen_toks"]
    return model, tasks, task


def evaluate(model, tasks, task):
    """One evaluation: requests, answers, metrics."""
    task.set_fewshot_seed(seed=SEED)
    outcome = evaluator.evaluate(lm=model, task_dict=tasks, bootstrap_iters=0, log_samples=False, verbosity="ERROR")
    return outcome["results"][WORKLOAD["task"]]


def timed(model):
    """Adds up the CPU time of answering, without that of making requests and of scoring."""
    spent = {"cpu_ms": 0.0}

    def wrapped(call):
        def answer(requests):
            start = time.process_time()
            try:
                return call(requests)
            finally:
                spent["cpu_ms"] += (time.process_time() - start) * 1000

        return answer

    model.loglikelihood, model.generate_until = wrapped(model.loglikelihood), wrapped(model.generate_until)
    return spent


def answers_of(task):
    return [one.resps[0][0] if isinstance(one.resps[0], tuple) else one.resps[0] for one in task.instances]


def mean(answers):
    return sum(len(answer) if isinstance(answer, str) else answer for answer in answers) / len(answers)


def main():
    model, tasks, task = prepare()
    spent = timed(model)
    versions = {"lm_eval": version("lm_eval"), "transformers": transformers.__version__, "torch": torch.__version__, "python": platform.python_version()}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        start, cpu, spent["cpu_ms"] = time.perf_counter(), time.process_time(), 0.0
        for _ in range(int(line)):
            results = evaluate(model, tasks, task)
        wall_ms, cpu_ms = (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000
        answers = answers_of(task)
        if not os.path.exists(ANSWERS):
            numbers = {key.removesuffix(",none"): value for key, value in results.items() if isinstance(value, float)}
            with open(ANSWERS, "w") as file:
                json.dump({"answers": answers, "results": numbers, "tokens": 0}, file)
        report = {"wall_ms": wall_ms, "cpu_ms": cpu_ms, "model_cpu_ms": spent["cpu_ms"], "value": mean(answers)}
        print(json.dumps(report), flush=True)


main()
