// The store's configuration in etcd, below CONFIG: one for the conductor, which writes what is missing, and for every
// program that connects to the store.
export const CONFIG = "/config/couchbase";

/** What counts where a key is missing. `nodes` is the number of machines, `ram` the memory of one machine's member in MB. */
const DEFAULTS = { password: "Password1", nodes: "3", bucket: "default", ram: "500" };
const EXIT_CODE_DELETED = 5;

/**
 * @typedef {object} StoreConfig
 * @property {string} password of Couchbase's administrator
 * @property {string} bucket Couchbase's name for the data
 * @property {number} machines how many machines the store is made for
 * @property {number} ram MB of memory on each machine
 */

/**
 * Reads the configuration.
 * @param {import("./etcd.js").Etcd} etcd
 * @returns {Promise<{ config: StoreConfig, index: number }>} and etcd's index at that moment
 */
export async function readConfig(etcd) {
  const { entries, index } = await etcd.entries(CONFIG);
  const written = Object.fromEntries(entries.map(({ key, value }) => [key.slice(CONFIG.length + 1), value]));
  return { config: parseConfig({ ...DEFAULTS, ...written }), index };
}

/**
 * Writes the default of each key that is missing.
 * @param {import("./etcd.js").Etcd} etcd
 * @returns {Promise<string[]>} the keys that were missing
 */
export async function writeDefaults(etcd) {
  const missing = [];
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const key = `${CONFIG}/${name}`;
    if (await etcd.set(key, value, { create: true })) missing.push(key);
  }
  return missing;
}

/**
 * The configuration in etcd's values. Throws for a value that is no number where one is needed.
 * @returns {StoreConfig}
 */
export function parseConfig({ password, bucket, nodes, ram }) {
  return { password, bucket, machines: positive("nodes", nodes), ram: positive("ram", ram) };
}

function positive(name, text) {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error(`${CONFIG}/${name}: ${text} is not a whole number above 0: set it with etcdctl`);
}

/**
 * The code with which the conductor exits after a change of the configuration; undefined when it goes on.
 * @param {string} action etcd's name of the change
 */
export function exitCodeAfter(action) {
  if (["delete", "compareAndDelete", "expire"].includes(action)) return EXIT_CODE_DELETED;
  return action === "create" ? undefined : 0; // a default that was written changes nothing
}
