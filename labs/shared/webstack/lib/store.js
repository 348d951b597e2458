// The store as the programs see it: put by key, newest by key. Keys are milliseconds, values are texts.
import { CouchbaseStore } from "./store-couchbase.js";
import { RedisStore } from "./store-redis.js";

/** Connects to the store at these addresses; `kind` is redis or couchbase. */
export function openStore(addresses, kind = process.env.STORE || "redis") {
  if (kind === "redis") return new RedisStore(addresses);
  if (kind === "couchbase") return new CouchbaseStore(addresses);
  throw new Error(`STORE=${kind}: no such store; redis and couchbase are known`);
}
