// How the value of an axis is named where the name of its axis does not stand beside it.

/** True for a label that does not say of what it is: `16`, `1e-4`, `10 %`, `true`. */
export function isBare(label: string): boolean {
  const digits = label.replace(/ *%$/, '').trim();
  return label === 'true' || label === 'false' || (digits !== '' && Number.isFinite(Number(digits)));
}

/** The label as it can stand alone: `rank 16`, but `Arxiv-math`. */
export function namedLabel(axis: string, label: string): string {
  return isBare(label) ? `${axis} ${label}` : label;
}
