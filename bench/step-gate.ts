// Lets a training loop run so many steps at a time: the loop asks at each step, the gate holds it between rounds.

/** Joins a loop that only goes forward to rounds that are asked for from outside. */
export class StepGate {
  #left = 0;
  #open: (() => void) | undefined;
  #done: (() => void) | undefined;

  /** Called by the loop before each step; waits while no round is running. */
  async pass(): Promise<void> {
    if (this.#left === 0) {
      this.#done?.();
      await new Promise<void>((open) => {
        this.#open = open;
      });
    }
    this.#left--;
  }

  /** Lets `steps` steps pass; resolves when the last of them is finished. */
  round(steps: number): Promise<void> {
    this.#left = steps;
    return new Promise((done) => {
      this.#done = done;
      this.#open?.();
    });
  }
}
