// Writes that wait for each other: they are carried out in the order in which they were added.

export class WriteQueue {
  #last = Promise.resolve();
  #waiting = 0;
  #hasWriteFailed = false;
  #hasFailed = false; // a write has failed or was refused

  /**
   * @param {number} limit how many writes may wait
   * @param {(error: Error) => unknown} onFailure is called once, with the reason of the first write that is not carried out
   */
  constructor(limit, onFailure) {
    this.limit = limit;
    this.onFailure = onFailure;
  }

  /**
   * Adds a write. It is not carried out when too many writes wait, nor after a write that has failed: what came after
   * that must not be stored without it.
   * @param {() => Promise<unknown>} write
   */
  add(write) {
    if (this.#waiting >= this.limit) {
      this.#fail(new Error(`${this.#waiting} writes wait already`));
      return;
    }
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#hasWriteFailed || write())
      .catch((error) => {
        this.#hasWriteFailed = true;
        this.#fail(error);
      })
      .then(() => (this.#waiting -= 1));
  }

  /** Whether a write has failed, or was refused since too many waited. */
  get hasFailed() {
    return this.#hasFailed;
  }

  #fail(error) {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.onFailure(error);
  }

  /** Returns when no write waits any more: whether all that were ever added have succeeded. */
  async drained() {
    let last;
    while (last !== this.#last) await (last = this.#last);
    return !this.hasFailed;
  }
}
