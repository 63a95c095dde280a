"""The other end of a side on Python: reads numbers of steps, makes them, writes how long they took."""

import json
import sys
import time


def serve(step, versions):
    """`step(i)` makes step number i and returns a number to compare by."""
    print(json.dumps(versions), flush=True)
    done = 0
    for line in sys.stdin:
        start, cpu, value = time.perf_counter(), time.process_time(), 0.0
        for _ in range(int(line)):
            value = float(step(done))
            done += 1
        wall_ms, cpu_ms = (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000
        print(json.dumps({"wall_ms": wall_ms, "cpu_ms": cpu_ms, "value": value}), flush=True)
