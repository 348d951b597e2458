// Sessions in memcached: what one web server notes, each of the others finds. A lost member loses its sessions only.
import session from "express-session";
import memjs from "memjs";

const PORT = 11211;
const LIFE = 3600; // seconds
const PATIENCE = 0.5; // seconds: a neighbour answers within a millisecond, who does not has lost its power

export class MemcachedSessions extends session.Store {
  constructor(addresses) {
    super();
    const servers = addresses.map((address) => `${address}:${PORT}`).join(",");
    const quiet = { log() {} };
    this.client = servers && memjs.Client.create(servers, { timeout: PATIENCE, conntimeout: PATIENCE, retries: 1, logger: quiet });
  }

  /** A session that cannot be fetched is none: the visitor gets a new one, and the page is served. */
  get(id, done) {
    this.#ask((client) => client.get(id)).then((found) => done(null, found?.value ? JSON.parse(found.value) : null));
  }

  set(id, value, done = () => {}) {
    this.#ask((client) => client.set(id, JSON.stringify(value), { expires: LIFE })).then(() => done());
  }

  touch(id, value, done) {
    this.set(id, value, done);
  }

  destroy(id, done = () => {}) {
    this.#ask((client) => client.delete(id)).then(() => done());
  }

  async #ask(act) {
    try {
      return this.client ? await act(this.client) : undefined;
    } catch {
      return undefined;
    }
  }
}
