// A value from outside as a message shows it.

const longest = 200;

/** The value as JSON, cut where it is long; `nothing` for undefined. It must not nest deeply. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > longest ? `${text.slice(0, longest)}...` : text;
}
