// Work that may fail: say at the call why that does no harm.

/** Does `action`; what it throws is dropped. */
export function ignoringErrors(action: () => void): void {
  try {
    action();
  } catch {
    // the caller has said why
  }
}
