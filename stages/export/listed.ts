// Enumerations in sentences.

/** `a, b or c` with ` or` between the last two, `a, b, or c` with `, or`; `a` alone. */
export function listed(parts: readonly string[], between: ' or' | ', or' | ' and'): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')}${between} ${last}`;
}
