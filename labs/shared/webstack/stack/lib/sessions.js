// Sessions in memcached: a session that one web server stores is found by all others. When a memcached is lost, so are the
// sessions that it kept, and no others.
import session from "express-session";
import memjs from "memjs";

const PORT = 11211;
const LIFETIME = 3600; // seconds
const PATIENCE = 0.5; // seconds: a machine in the same network answers within a millisecond, unless it has lost its power

export class MemcachedSessions extends session.Store {
  constructor(addresses) {
    super();
    const servers = addresses.map((address) => `${address}:${PORT}`).join(",");
    const silentLogger = { log() {} };
    const options = { timeout: PATIENCE, conntimeout: PATIENCE, retries: 1, logger: silentLogger };
    this.client = servers && memjs.Client.create(servers, options);
  }

  /** A session that cannot be fetched counts as none: the visitor gets a new one, and the page is served. */
  get(id, done) {
    this.#try((client) => client.get(id)).then((entry) => done(null, entry?.value ? JSON.parse(entry.value) : null));
  }

  set(id, value, done = () => {}) {
    this.#try((client) => client.set(id, JSON.stringify(value), { expires: LIFETIME })).then(() => done());
  }

  touch(id, value, done) {
    this.set(id, value, done);
  }

  destroy(id, done = () => {}) {
    this.#try((client) => client.delete(id)).then(() => done());
  }

  async #try(act) {
    try {
      return this.client ? await act(this.client) : undefined;
    } catch {
      return undefined;
    }
  }
}
