// ONNX Runtime's profiles of a computation: which operators ran, and which of them on the processor.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../../util/json.ts';

const cpuProvider = 'CPUExecutionProvider';

/** Operators that ran by the profiles in `folder`, and how often which of them ran on the processor. */
export function operatorsIn(folder: string): { operators: number; left_to_cpu: Record<string, number> } {
  const all = readdirSync(folder).flatMap((name) => eventsOf(readFileSync(join(folder, name), 'utf8')));
  const left_to_cpu: Record<string, number> = {};
  for (const { operator, provider } of all) {
    if (provider === cpuProvider) left_to_cpu[operator] = (left_to_cpu[operator] ?? 0) + 1;
  }
  return { operators: all.length, left_to_cpu };
}

function eventsOf(text: string): { operator: string; provider: string }[] {
  const events: unknown = JSON.parse(text);
  return (Array.isArray(events) ? events : []).flatMap((event) => {
    const args: unknown = isObject(event) && event.cat === 'Node' ? event.args : undefined;
    if (!isObject(args) || typeof args.provider !== 'string') return [];
    return [{ operator: String(args.op_name), provider: args.provider }];
  });
}
