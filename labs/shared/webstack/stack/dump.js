// dump.js: prints every entry of the store, a line of JSON [key, value] for each, by their keys. It ends with an error, and
// what it has printed by then is no backup, as soon as some part of the store does not answer.
import { once } from "node:events";
import { Etcd } from "./lib/etcd.js";
import "./lib/one-line-errors.js";
import { openStore, storeAddresses } from "./lib/store.js";

const AT_ONCE = 1000; // entries

const etcd = new Etcd();
const { values: addresses } = await storeAddresses(etcd);
if (!addresses.length) throw new Error("no store is announced under /services/couchbase");
const store = await openStore(addresses, etcd);
const keys = await store.keys();
for (let first = 0; first < keys.length; first += AT_ONCE) {
  const some = keys.slice(first, first + AT_ONCE);
  const values = await store.values(some);
  const gone = some.find((_, index) => values[index] === null);
  if (gone !== undefined) throw new Error(`${gone}: the store lists this key, and has no value for it`);
  const lines = some.map((key, index) => `${JSON.stringify([key, values[index]])}\n`);
  if (!process.stdout.write(lines.join(""))) await once(process.stdout, "drain");
}
process.exit(0);
