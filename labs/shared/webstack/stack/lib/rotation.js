// The web servers in turn.

export class Rotation {
  #announced = []; // "address:port"
  #healthy = [];
  #turn = 0;

  /**
   * Takes over the announced servers and those of them that are healthy.
   * @param {string[]} announced
   * @param {string[]} healthy
   * @returns {boolean} whether the healthy ones are others than before
   */
  update(announced, healthy) {
    const isChanged = healthy.join() !== this.#healthy.join();
    this.#announced = announced;
    this.#healthy = healthy;
    return isChanged;
  }

  /**
   * The healthy servers, beginning with another one each time. When none is healthy, all that are announced: an old page is
   * better than none.
   * @returns {string[]}
   */
  next() {
    const servers = this.#healthy.length ? this.#healthy : this.#announced;
    this.#turn += 1;
    return servers.map((_, index) => servers[(this.#turn + index) % servers.length]);
  }
}
