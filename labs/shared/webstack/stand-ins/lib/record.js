// The search's record in etcd: the word of each request, with a + after it once the whole answer is stored.
import { OwnKey } from "../../stack/lib/own-key.js";

const CHUNK = 100; // requests in one key
const ACKNOWLEDGED = "+";

export class Record {
  constructor(etcd, folder) {
    this.etcd = etcd;
    this.folder = folder;
    this.words = []; // of request 1, 2, ...
    this.chunks = []; // the key of each hundred requests
    this.lastWrite = Promise.resolve(); // writes wait for each other: an older state must not be the last one written
  }

  async load() {
    const { entries } = await this.etcd.entries(this.folder);
    for (const { key, value } of entries) {
      const chunk = Number(key.split("/").pop());
      this.chunks[chunk] = new OwnKey(this.etcd, key, value);
      JSON.parse(value).forEach((word, index) => (this.words[chunk * CHUNK + index] = word));
    }
    return this;
  }

  get served() {
    return this.words.length;
  }

  /** Records a request before it is served. Returns its number. */
  async serve(word) {
    const n = this.words.push(word);
    await this.#write(n);
    return n;
  }

  /** Records that the whole answer to a request is stored. */
  async acknowledge(n) {
    if (!this.words[n - 1]) return;
    if (!this.words[n - 1].endsWith(ACKNOWLEDGED)) this.words[n - 1] += ACKNOWLEDGED;
    await this.#write(n);
  }

  /** The requests whose answers are stored, as [number, word]. */
  acknowledged() {
    return this.words.flatMap((word, index) => (word?.endsWith(ACKNOWLEDGED) ? [[index + 1, word.slice(0, -1)]] : []));
  }

  #write(n) {
    const chunk = Math.floor((n - 1) / CHUNK);
    const key = `${this.folder}/${String(chunk).padStart(6, "0")}`; // so that keys sort like their numbers
    this.chunks[chunk] ??= new OwnKey(this.etcd, key, undefined);
    const write = () => this.chunks[chunk].write(JSON.stringify(this.words.slice(chunk * CHUNK, (chunk + 1) * CHUNK)));
    const written = this.lastWrite.then(write);
    this.lastWrite = written.catch(() => {}); // the caller gets the error, from `written`
    return written;
  }
}
