// The store on Couchbase, over the REST interface of its query service.
import { credentials, isForming } from "./admin-couchbase.js";

const PORT = 8093;
const PATIENCE = 5000; // milliseconds

export class CouchbaseStore {
  static async open(addresses) {
    return new CouchbaseStore(addresses);
  }

  static isForming(addresses) {
    return isForming(addresses);
  }

  constructor(addresses) {
    this.addresses = addresses;
    this.indexed = this.#query("CREATE PRIMARY INDEX IF NOT EXISTS ON `default`").catch(() => {});
  }

  async put(key, value) {
    await this.#query("UPSERT INTO `default` (KEY, VALUE) VALUES ($1, $2)", [String(key), JSON.parse(value)]);
  }

  /** The newest `count` as [key, value], newest first. */
  async newest(count) {
    await this.indexed;
    const text = "SELECT META(e).id AS id, e AS event FROM `default` e WHERE META(e).id != 'probe' ORDER BY TONUMBER(META(e).id) DESC LIMIT $1";
    const rows = await this.#query(text, [count], "request_plus");
    return rows.map((row) => [Number(row.id), JSON.stringify(row.event)]);
  }

  /** The values of keys, in their order; null where there is none. */
  async values(keys) {
    const text = "SELECT META(e).id AS id, e AS event FROM `default` e USE KEYS $1";
    const rows = await this.#query(text, [keys.map(String)], "request_plus");
    const found = new Map(rows.map((row) => [row.id, JSON.stringify(row.event)]));
    return keys.map((key) => found.get(String(key)) ?? null);
  }

  /** Writes and reads; throws where the store does not serve. */
  async check() {
    await this.#query("UPSERT INTO `default` (KEY, VALUE) VALUES ($1, $2)", ["probe", { now: Date.now() }]);
    const found = await this.#query("SELECT RAW e FROM `default` e USE KEYS $1", [["probe"]], "request_plus");
    if (!found.length) throw new Error("what was written is not there");
  }

  close() {}

  /** Asks one address after the other; the first that answers counts. */
  async #query(statement, args = [], consistency = "not_bounded") {
    let last = new Error("no store to ask");
    for (const address of this.addresses) {
      try {
        const answer = await fetch(`http://${address}:${PORT}/query/service`, {
          method: "POST",
          headers: {
            "content-type": "application/json",
            authorization: credentials(),
          },
          body: JSON.stringify({ statement, args, scan_consistency: consistency }),
          signal: AbortSignal.timeout(PATIENCE),
        });
        const body = await answer.json();
        if (body.status !== "success") throw new Error(body.errors?.[0]?.msg ?? `HTTP ${answer.status}`);
        return body.results;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}
