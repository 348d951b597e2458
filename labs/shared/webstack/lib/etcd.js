// etcd's keys (version 2 of its API) as a container of the overlay network sees them.
import { networkInterfaces } from "node:os";

const PATIENCE = 3000; // milliseconds for one answer
const PAUSE = 500; // milliseconds before etcd is asked again

/** This container's own address on the overlay network. */
export function ownAddress() {
  const own = Object.values(networkInterfaces()).flat().find((one) => one.family === "IPv4" && !one.internal);
  if (!own) throw new Error("no address: is flanneld running on this machine?");
  return own.address;
}

/** Where this machine's etcd listens: the first address of the container's subnet is the machine itself. */
export function etcdBeside(address) {
  return `http://${address.replace(/\.\d+$/, ".1")}:2379`;
}

export class Etcd {
  constructor(url = etcdBeside(ownAddress())) {
    this.url = url;
  }

  /** The keys below a folder with their values, in the order of the keys, and the index at which that was so. */
  async entries(folder) {
    const answer = await this.#ask(folder, { query: "recursive=true&sorted=true" });
    const index = Number(answer.headers.get("x-etcd-index"));
    const body = await answer.json();
    if (answer.status === 404) return { entries: [], index };
    if (!answer.ok) throw new Error(`etcd: ${folder}: ${body.message}`);
    return { entries: leaves(body.node).map(({ key, value }) => ({ key, value })), index };
  }

  /** The same without the keys. */
  async values(folder) {
    const { entries, index } = await this.entries(folder);
    return { values: entries.map(({ value }) => value), index };
  }

  /** One key's value, undefined where there is none. */
  async get(key) {
    const answer = await this.#ask(key);
    const body = await answer.json();
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`etcd: ${key}: ${body.message}`);
    return body.node.value;
  }

  /**
   * Sets a key; with `ttl` in seconds it is forgotten after that. With `create` only where there is none yet, with
   * `instead` only where it has that value: false says that this was not so.
   */
  async set(key, value, { ttl, create = false, instead } = {}) {
    const body = new URLSearchParams({ value });
    if (ttl) body.set("ttl", ttl);
    if (create) body.set("prevExist", "false");
    if (instead !== undefined) body.set("prevValue", instead);
    const answer = await this.#ask(key, { method: "PUT", body });
    await answer.text();
    if (create && answer.status === 412) return false;
    if (instead !== undefined && [404, 412].includes(answer.status)) return false;
    if (!answer.ok) throw new Error(`etcd: ${key}: HTTP ${answer.status}`);
    return true;
  }

  async remove(key) {
    await (await this.#ask(key, { method: "DELETE" })).text();
  }

  /**
   * Tells `heard` of each action below a folder after `index`, in order, until it returns false. A change that etcd no
   * longer remembers (it keeps the last thousand) is told as `set`: something has happened, and nobody knows what.
   */
  async watch(folder, index, heard) {
    for (;;) {
      try {
        const query = `wait=true&recursive=true&waitIndex=${index + 1}`;
        const answer = await fetch(`${this.url}/v2/keys${folder}?${query}`, { signal: AbortSignal.timeout(60_000) });
        const text = await answer.text();
        if (!text) continue; // etcd was stopped, or closed the connection after a while
        const change = JSON.parse(text);
        if (change.errorCode === 401) {
          index = change.index;
          if (heard("set", {}) === false) return;
        } else if (change.node) {
          index = change.node.modifiedIndex;
          if (heard(change.action, change.node) === false) return;
        } else {
          throw new Error(change.message);
        }
      } catch (error) {
        if (error.name !== "TimeoutError") await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    }
  }

  #ask(key, { query = "", ...options } = {}) {
    return fetch(`${this.url}/v2/keys${key}?${query}`, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  }
}

/** The keys with values below a node as etcd answers it. */
export function leaves(node) {
  return node.dir ? (node.nodes ?? []).flatMap(leaves) : [node];
}

/** What each program does that depends on an announcement: when it is news, end, and be started with it. */
export function exitOnSet(etcd, folder, index, log) {
  etcd.watch(folder, index, (action, node) => {
    if (action !== "set") return; // `update` says that all is as it was, `expire` and `delete` name nobody new
    log(`${folder}: set to ${node.value ?? "something else"}: ending, to start again with it`);
    process.exit(0);
  });
}
