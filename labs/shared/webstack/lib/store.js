// The store as the programs see it: put by key, values by key, newest by key. Keys are whole numbers, values are texts.
import { CouchbaseStore } from "./store-couchbase.js";
import { RedisStore } from "./store-redis.js";

const AGAIN = 500; // milliseconds between two looks at a store that is being formed
const KINDS = { redis: RedisStore, couchbase: CouchbaseStore };

function kindOf(name) {
  if (!Object.hasOwn(KINDS, name)) throw new Error(`STORE=${name}: no such store; there is: ${Object.keys(KINDS).join(", ")}`);
  return KINDS[name];
}

/** Connects to the store whose members are at these addresses; `kind` is redis or couchbase. */
export function openStore(addresses, kind = process.env.STORE || "redis") {
  return kindOf(kind).open(addresses);
}

/**
 * Where the store's members are, and the index at which that was so. While members announce themselves that have not yet
 * been made into one store, it waits: there is nothing to connect to, and whoever comes next would be news.
 */
export async function storeAddresses(etcd, kind = process.env.STORE || "redis") {
  for (;;) {
    const found = await etcd.values("/services/couchbase");
    if (!found.values.length || !(await kindOf(kind).isForming(found.values))) return found;
    await new Promise((resolve) => setTimeout(resolve, AGAIN));
  }
}
