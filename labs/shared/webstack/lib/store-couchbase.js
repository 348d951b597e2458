// The store on Couchbase, over the REST interface of its query service.
const PORT = 8093;
const PATIENCE = 5000; // milliseconds
const USER = "Administrator:password";

export class CouchbaseStore {
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
    const text = "SELECT META(e).id AS id, e AS event FROM `default` e ORDER BY META(e).id DESC LIMIT $1";
    const rows = await this.#query(text, [count], "request_plus");
    return rows.map((row) => [Number(row.id), JSON.stringify(row.event)]);
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
            authorization: `Basic ${Buffer.from(USER).toString("base64")}`,
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
