// The store as the programs see it. Keys are whole numbers, values are texts of JSON. An open store has these methods:
//
//   put(key, value)  returns when the value is stored safely; throws when it is not
//   keys()           all keys, the least first
//   values(keys)     the values in the order of the keys, null for a key that does not exist
//   newest(count)    the entries with the greatest keys as [key, value], the newest first
//   check()          writes to and reads from every part of the store; throws when a part does not serve
//   close()
//
// Each kind of store has, with the configuration that store-config.js describes:
//
//   open(addresses, config)       connects to the members at these addresses
//   isForming(addresses, config)  whether a member answers and no member that does is part of a store yet
//   settings                      the keys of the configuration that its clients use: when one is set, they start again
import { exitOnSet } from "./etcd.js";
import { CONFIG, readConfig } from "./store-config.js";
import { CouchbaseStore } from "./store-couchbase.js";
import { RedisStore } from "./store-redis.js";
import { pause } from "./wait.js";

const FORMING_INTERVAL = 500; // milliseconds between two checks of a store that is being formed
const KINDS = { redis: RedisStore, couchbase: CouchbaseStore };

function kindOf(name) {
  if (!Object.hasOwn(KINDS, name)) throw new Error(`STORE=${name}: no such store; choose from: ${Object.keys(KINDS).join(", ")}`);
  return KINDS[name];
}

/**
 * Connects to the store whose members have these addresses, as its configuration in etcd says.
 * @param {string[]} addresses
 * @param {import("./etcd.js").Etcd} etcd
 * @param {string} kind redis or couchbase
 */
export async function openStore(addresses, etcd, kind = process.env.STORE || "redis") {
  const { config, index } = await readConfig(etcd);
  const { settings, open } = kindOf(kind);
  for (const name of settings) exitOnSet(etcd, `${CONFIG}/${name}`, index, { isSecret: true });
  return open(addresses, config);
}

/**
 * The `values` (addresses) of the announced members and etcd's `index` at that moment. Waits while the announced members
 * have not been formed into one store: there is nothing to connect to yet, and every further announcement would restart
 * the program that waits.
 */
export async function storeAddresses(etcd, kind = process.env.STORE || "redis") {
  for (;;) {
    const announced = await etcd.values("/services/couchbase");
    const { config } = await readConfig(etcd);
    if (!announced.values.length || !(await kindOf(kind).isForming(announced.values, config))) return announced;
    await pause(FORMING_INTERVAL);
  }
}
