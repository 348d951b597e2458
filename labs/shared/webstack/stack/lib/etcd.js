// A client for etcd's keys (version 2 of its API), for programs in a container of the overlay network.
import { networkInterfaces } from "node:os";
import { exit, log } from "./program.js";
import { pause } from "./wait.js";

const PATIENCE = 3000; // milliseconds for one answer
const WATCH_LIMIT = 10_000; // milliseconds after which a watch without a change is opened anew, with a newer index
const RETRY = 500; // milliseconds before etcd is asked again after an error

/** This container's address on the overlay network. */
export function ownAddress() {
  const own = Object.values(networkInterfaces()).flat().find((one) => one.family === "IPv4" && !one.internal);
  if (!own) throw new Error("no address: is flanneld running on this machine?");
  return own.address;
}

/** The URL of this machine's etcd: the first address of a container's subnet is its machine. */
export function etcdBeside(address) {
  return `http://${address.replace(/\.\d+$/, ".1")}:2379`;
}

export class Etcd {
  constructor(url = etcdBeside(ownAddress()), { watchLimit = WATCH_LIMIT } = {}) {
    this.watchLimit = watchLimit;
    this.url = url;
  }

  /** The keys below a folder with their values as `entries`, sorted by key, and etcd's `index` at that moment. */
  async entries(folder) {
    const answer = await this.#request(folder, { query: "recursive=true&sorted=true" });
    const index = Number(answer.headers.get("x-etcd-index"));
    const body = await answer.json();
    if (answer.status === 404) return { entries: [], index };
    if (!answer.ok) throw new Error(`etcd: ${folder}: ${body.message}`);
    return { entries: leaves(body.node).map(({ key, value }) => ({ key, value })), index };
  }

  /** The values below a folder as `values`, sorted by key, and etcd's `index` at that moment. */
  async values(folder) {
    const { entries, index } = await this.entries(folder);
    return { values: entries.map(({ value }) => value), index };
  }

  /** The value of one key; undefined when the key does not exist. */
  async get(key) {
    return (await this.read(key))?.value;
  }

  /** One key with its `value` and `created`, the index of the set that made it; undefined when the key does not exist. */
  async read(key) {
    const answer = await this.#request(key);
    const body = await answer.json();
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw new Error(`etcd: ${key}: ${body.message}`);
    return { value: body.node.value, created: body.node.createdIndex };
  }

  /**
   * Sets a key, for `ttl` seconds if that is given. `create` demands that the key does not exist yet, `instead` that it has
   * that value. Returns false when such a demand was not met.
   */
  async set(key, value, { ttl, create = false, instead } = {}) {
    const body = new URLSearchParams({ value });
    if (ttl) body.set("ttl", ttl);
    if (create) body.set("prevExist", "false");
    if (instead !== undefined) body.set("prevValue", instead);
    const answer = await this.#request(key, { method: "PUT", body });
    await answer.text();
    if (create && answer.status === 412) return false;
    if (instead !== undefined && [404, 412].includes(answer.status)) return false;
    if (!answer.ok) throw new Error(`etcd: ${key}: HTTP ${answer.status}`);
    return true;
  }

  /**
   * Removes a key if it has this value.
   * @param {string} key
   * @param {string} value
   * @returns {Promise<boolean>} whether it had
   */
  async remove(key, value) {
    const answer = await this.#request(key, { method: "DELETE", query: `prevValue=${encodeURIComponent(value)}` });
    await answer.text();
    if ([404, 412].includes(answer.status)) return false;
    if (!answer.ok) throw new Error(`etcd: ${key}: HTTP ${answer.status}`);
    return true;
  }

  /**
   * Calls `onChange(action, node)` for each change below a folder after `index`, in order, until it returns false. etcd keeps
   * the last thousand changes of all keys; older ones are reported as one `set` of an unknown key.
   */
  async watch(folder, index, onChange) {
    for (;;) {
      let unchangedUntil = index; // when a watch begins, etcd says up to which index nothing had changed
      try {
        const query = `wait=true&recursive=true&waitIndex=${index + 1}`;
        const answer = await fetch(`${this.url}/v2/keys${folder}?${query}`, { signal: AbortSignal.timeout(this.watchLimit) });
        if (answer.ok) unchangedUntil = Math.max(index, Number(answer.headers.get("x-etcd-index")));
        const text = await answer.text();
        if (!text) {
          index = unchangedUntil; // etcd was stopped, or has closed an idle connection
          continue;
        }
        const change = JSON.parse(text);
        if (change.errorCode === 401) {
          index = change.index;
          if (onChange("set", {}) === false) return;
        } else if (change.node) {
          index = change.node.modifiedIndex;
          if (onChange(change.action, change.node) === false) return;
        } else {
          throw new Error(change.message);
        }
      } catch (error) {
        index = Math.max(index, unchangedUntil);
        if (error.name !== "TimeoutError") await pause(RETRY);
      }
    }
  }

  #request(key, { query = "", ...options } = {}) {
    return fetch(`${this.url}/v2/keys${key}?${query}`, { ...options, signal: AbortSignal.timeout(PATIENCE) });
  }
}

/** All keys with values in the tree of nodes that etcd has returned. */
function leaves(node) {
  return node.dir ? (node.nodes ?? []).flatMap(leaves) : [node];
}

/**
 * Exits when something below a folder is announced, so that systemd starts the program again with the new value.
 * `isSecret` keeps the value out of the journal; `orCreated`: a key that a program creates counts, too (etcdctl mk).
 */
export function exitOnSet(etcd, folder, index, { isSecret = false, orCreated = false } = {}) {
  etcd.watch(folder, index, (action, node) => {
    // `update` renews an announcement, `expire` and `delete` announce nothing
    if (action !== "set" && !(orCreated && action === "create")) return;
    const value = isSecret ? "another value" : (node.value ?? "an unknown value");
    log(`${folder}: set to ${value}: exiting, to start again with it`);
    exit(0);
    return false;
  });
}
