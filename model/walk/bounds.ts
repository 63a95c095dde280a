// How much a walk holds at once. Light: planning reads this.

/** Hidden states of the texts that are taken through the layers together: 128 MiB. */
export const stateBytes = 2 ** 27;

/** Numbers of a large matrix, and logits, that are held at once: 16 MiB of float32. */
export const blockNumbers = 2 ** 22;

/** Rows whose logits are held at once: enough that arranging the head's words for a product costs little beside it. */
export const blockRows = 1024;
