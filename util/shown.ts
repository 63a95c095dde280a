// A value from outside as a message shows it.

const longest = 200;

/** The value as JSON, cut where it is long; `nothing` for undefined. It must not nest deeply. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}

/** The value where it is short, of a list or an object its kind: a record may be long and nest deeply. */
export function briefly(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = shown(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
