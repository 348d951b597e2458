// What the search has served, in etcd: for each request the word, and a + behind it when all of its answer is stored.
const CHUNK = 100; // requests in one key

export class Record {
  constructor(etcd, folder) {
    this.etcd = etcd;
    this.folder = folder;
    this.words = []; // of request 1, 2, ...
    this.written = Promise.resolve(); // one after the other: an older state must not come last
  }

  async load() {
    const { entries } = await this.etcd.entries(this.folder);
    for (const { key, value } of entries) {
      const first = Number(key.split("/").pop()) * CHUNK;
      JSON.parse(value).forEach((word, index) => (this.words[first + index] = word));
    }
    return this;
  }

  get served() {
    return this.words.length;
  }

  /** Writes a request down before it is served; returns its number. */
  async serve(word) {
    const n = this.words.push(word);
    await this.#write(n);
    return n;
  }

  /** Writes down that all of a request's answer is stored. */
  async acknowledge(n) {
    if (!this.words[n - 1]) return;
    if (!this.words[n - 1].endsWith("+")) this.words[n - 1] += "+";
    await this.#write(n);
  }

  /** The requests whose answers are stored, as [number, word]. */
  acknowledged() {
    return this.words.flatMap((word, index) => (word?.endsWith("+") ? [[index + 1, word.slice(0, -1)]] : []));
  }

  #write(n) {
    const chunk = Math.floor((n - 1) / CHUNK);
    const key = `${this.folder}/${String(chunk).padStart(6, "0")}`; // keys sort as their numbers do
    const write = () => this.etcd.set(key, JSON.stringify(this.words.slice(chunk * CHUNK, (chunk + 1) * CHUNK)));
    const done = this.written.then(write);
    this.written = done.catch(() => {}); // whoever waits for it is told
    return done;
  }
}
