// The exit codes of lamina, stable for scripts.

/** 0 done, 1 a stage, a number or a claim failed, 2 the spec or the flags are invalid, 130 stopped by Ctrl-C. */
export const exitCodes = { done: 0, failed: 1, invalid: 2, stopped: 130 } as const;
