// What decoding that stops early can be given of the full model. Light: planning reads this.

/**
 * What is taken from the full model, which is then run as well, to tell the two sources of error apart. cache: skipped layers keep the keys and values
 * that they would have made; token: the last layer says the token, and the exit's state is kept; exit: a token stops at the first exit that says what the last layer says.
 */
export const oracles = ['none', 'cache', 'token', 'exit'] as const;
export type Oracle = (typeof oracles)[number];
