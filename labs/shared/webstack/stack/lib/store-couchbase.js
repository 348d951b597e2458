// The store on Couchbase, over the REST interface of its query service. store.js describes the methods. Written to
// Couchbase's documentation, and not tried.
import { credentials, isForming } from "./admin-couchbase.js";

const PORT = 8093;
const PATIENCE = 5000; // milliseconds

/** What is needed to know about the kind of store: see store.js. */
export const CouchbaseStore = {
  settings: ["password", "bucket"],
  open: (addresses, config) => new CouchbaseEntries(addresses, config),
  isForming: (addresses, { password }) => isForming(addresses, password),
};

class CouchbaseEntries {
  /**
   * @param {string[]} addresses
   * @param {import("./store-config.js").StoreConfig} config
   */
  constructor(addresses, { password, bucket }) {
    this.addresses = addresses;
    this.authorization = credentials(password);
    this.bucket = `\`${bucket}\``;
    this.indexed = this.#query(`CREATE PRIMARY INDEX IF NOT EXISTS ON ${this.bucket}`).catch(() => {});
  }

  async put(key, value) {
    await this.#query(`UPSERT INTO ${this.bucket} (KEY, VALUE) VALUES ($1, $2)`, [String(key), JSON.parse(value)]);
  }

  async keys() {
    await this.indexed;
    const text = `SELECT RAW META(e).id FROM ${this.bucket} e WHERE META(e).id != 'probe'`;
    return (await this.#query(text, [], "request_plus")).map(Number).sort((a, b) => a - b);
  }

  async newest(count) {
    await this.indexed;
    const text = `SELECT META(e).id AS id, e AS event FROM ${this.bucket} e WHERE META(e).id != 'probe' ORDER BY TONUMBER(META(e).id) DESC LIMIT $1`;
    const rows = await this.#query(text, [count], "request_plus");
    return rows.map((row) => [Number(row.id), JSON.stringify(row.event)]);
  }

  async values(keys) {
    const text = `SELECT META(e).id AS id, e AS event FROM ${this.bucket} e USE KEYS $1`;
    const rows = await this.#query(text, [keys.map(String)], "request_plus");
    const valueById = new Map(rows.map((row) => [row.id, JSON.stringify(row.event)]));
    return keys.map((key) => valueById.get(String(key)) ?? null);
  }

  async check() {
    await this.#query(`UPSERT INTO ${this.bucket} (KEY, VALUE) VALUES ($1, $2)`, ["probe", { now: Date.now() }]);
    const rows = await this.#query(`SELECT RAW e FROM ${this.bucket} e USE KEYS $1`, [["probe"]], "request_plus");
    if (!rows.length) throw new Error("a value that was written cannot be read");
  }

  close() {}

  /** Runs a statement on the first address that answers. */
  async #query(statement, args = [], consistency = "not_bounded") {
    let lastError = new Error("the store has no members");
    for (const address of this.addresses) {
      try {
        const answer = await fetch(`http://${address}:${PORT}/query/service`, {
          method: "POST",
          headers: { "content-type": "application/json", authorization: this.authorization },
          body: JSON.stringify({ statement, args, scan_consistency: consistency }),
          signal: AbortSignal.timeout(PATIENCE),
        });
        const body = await answer.json();
        if (body.status !== "success") throw new Error(body.errors?.[0]?.msg ?? `HTTP ${answer.status}`);
        return body.results;
      } catch (error) {
        lastError = error;
      }
    }
    throw lastError;
  }
}
