// What was found out about a backend, in words.
import type { Comparison, Crossing, Findings, Probe } from '../../model/probe/findings.ts';
import { missingText } from '../../model/probe/process.ts';
import { formatBytes } from '../../util/amounts.ts';
import { countOf } from '../common/spec-name.ts';

/** A paragraph each: why it is not usable, or what it computes rightly and what crosses to its device. */
export function paragraphsOf({ reason, missing, findings }: Probe): string[] {
  const known = findings === null ? [] : [checksText(findings), crossingText(findings)];
  const absent = missing.length === 0 || reason === null ? [] : [missingText(missing)];
  return [...(reason === null ? [] : [reason]), ...absent, ...known];
}

function checksText({ computed_by, product, training }: Findings): string {
  const checks = [`a product ${comparisonText(product)}`];
  if (training !== null) checks.push(`a training ${comparisonText(training)}`);
  return `${computed_by}: ${checks.join(', ')}`;
}

/** `right (off by 2e-7)`, `wrong (off by 0.3, expected at most 0.0001)`. */
function comparisonText({ difference, tolerance, right }: Comparison): string {
  const off =
    difference === null ? 'not all of it numbers' : `off by ${difference === 0 ? 0 : difference.toExponential(0)}`;
  return right ? `right (${off})` : `wrong (${off}, expected at most ${tolerance})`;
}

function crossingText({ crossing }: Findings): string {
  if (crossing === 'none') return 'nothing crosses to a device';
  if (crossing === 'unknown') return 'what crosses to its device is not known';
  return `${operatorsText(crossing)}; ${bytesText(crossing)}`;
}

function operatorsText({ steps, operators, left_to_cpu }: Crossing): string {
  const left = Object.entries(left_to_cpu).sort(([, a], [, b]) => b - a);
  const count = left.reduce((sum, [, times]) => sum + times, 0);
  const all = `${countOf(operators, 'operator')} of ${countOf(steps, 'step')}`;
  if (count === 0) return `all ${all} ran on the device`;
  const names = left.map(([name, times]) => `${name} ${times}`);
  return `${count} of ${all} ran on the processor in its stead (${names.join(', ')})`;
}

function bytesText({ steps, fed_bytes, fetched_bytes }: Crossing): string {
  const each = (bytes: number) => formatBytes(Math.round(bytes / steps));
  return `a step handed over ${each(fed_bytes)} and took back ${each(fetched_bytes)}`;
}
