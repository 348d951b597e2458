// A key of etcd that one program alone writes, such as the record of a service: there must be no second writer.

/** Another program has written the key: this one must start again from what is written there. */
export class ForeignWriteError extends Error {}

export class OwnKey {
  #value; // what the key has by this program's last write; undefined: the key does not exist
  #unanswered; // a value whose write had no answer: etcd may have it or not

  /**
   * @param {import("./etcd.js").Etcd} etcd
   * @param {string} key
   * @param {string | undefined} value what the key has now
   */
  constructor(etcd, key, value) {
    this.etcd = etcd;
    this.key = key;
    this.#value = value;
  }

  /**
   * Writes a value by compare-and-swap: the key must still have the value of the last write.
   * @param {string} value
   */
  async write(value) {
    if (this.#unanswered !== undefined) await this.#adoptUnanswered();
    this.#unanswered = value;
    const condition = this.#value === undefined ? { create: true } : { instead: this.#value };
    if (!(await this.etcd.set(this.key, value, condition))) throw new ForeignWriteError(`${this.key}: another program writes it`);
    this.#value = value;
    this.#unanswered = undefined;
  }

  async #adoptUnanswered() {
    const current = await this.etcd.get(this.key);
    if (current === this.#unanswered) this.#value = current;
    this.#unanswered = undefined;
  }
}
