// Writes that wait for each other: they are carried out in the order in which they were added.

export class WriteQueue {
  #last = Promise.resolve();
  #waiting = 0;
  #error; // of the first write that has failed
  #hasRefused = false;

  /** @param {number} limit how many writes may wait */
  constructor(limit) {
    this.limit = limit;
  }

  /**
   * Adds a write. The promise settles with it. Rejects when too many writes wait, and after a write that has failed: what
   * came after it must not be stored without it.
   * @param {() => Promise<unknown>} write
   */
  async add(write) {
    if (this.#waiting >= this.limit) {
      this.#hasRefused = true;
      throw new Error(`${this.#waiting} writes wait already`);
    }
    this.#waiting += 1;
    const written = this.#last.then(() => {
      if (this.#error) throw this.#error;
      return write();
    });
    this.#last = written.catch((error) => (this.#error ??= error)).then(() => (this.#waiting -= 1));
    return written;
  }

  /** Whether a write has failed, or was refused since too many waited. */
  get hasFailed() {
    return this.#hasRefused || this.#error !== undefined;
  }

  /** Returns when no write waits any more: whether all that were ever added have succeeded. */
  async drained() {
    let last;
    while (last !== this.#last) await (last = this.#last);
    return !this.hasFailed;
  }
}
