// The newest entries of the store, as a web server has read them last: what its page shows, and how old that is.

/**
 * @typedef {{ key: number, id: string, name: string }} Item what the page shows of an entry
 */
export class Newest {
  #items = [];
  #readAt; // milliseconds; undefined until the store has answered
  #newestAt; // when the newest entry was stored, as far as that is known

  /**
   * @param {() => Promise<[number, string][]>} read the store's newest entries, the newest first
   * @param {() => number} now milliseconds
   */
  constructor(read, now = Date.now) {
    this.read = read;
    this.now = now;
  }

  /** Reads the store. Throws when it does not answer; the items then stay as they were. */
  async refresh() {
    const entries = (await this.read()).map(([key, text]) => ({ key, value: JSON.parse(text) }));
    const isNew = entries.length > 0 && entries[0].key !== this.#items[0]?.key;
    const isFirstReading = this.#readAt === undefined;
    if (isNew) this.#newestAt = storedAt(entries[0]) ?? (isFirstReading ? undefined : this.now());
    this.#items = entries.map(toItem);
    this.#readAt = this.now();
  }

  /** @returns {Item[]} */
  get items() {
    return this.#items;
  }

  /** Milliseconds since the newest entry was stored. Infinity when that is unknown, or nothing is stored. */
  get age() {
    return this.#newestAt === undefined ? Infinity : this.now() - this.#newestAt;
  }

  /** Milliseconds since the store has answered. */
  get readAge() {
    return this.#readAt === undefined ? Infinity : this.now() - this.#readAt;
  }
}

/** An event's key is the time of its arrival. A status has its own number as key, which says nothing about time. */
function storedAt({ key, value }) {
  return value.event ? key : undefined;
}

function toItem({ key, value: { event, event_name: name } }) {
  return event ? { key, id: event.event_id, name: event.event_name } : { key, id: String(key), name };
}
