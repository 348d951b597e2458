// restore.js: reads lines of JSON [key, value] and stores each. It ends with an error when one is no such line, or is not
// stored safely; what came before it is stored then, and may be stored again.
import { createInterface } from "node:readline";
import { Etcd } from "./lib/etcd.js";
import "./lib/one-line-errors.js";
import { openStore, storeAddresses } from "./lib/store.js";

const AT_ONCE = 200; // entries on their way to the store

const etcd = new Etcd();
const { values: addresses } = await storeAddresses(etcd);
if (!addresses.length) throw new Error("no store is announced under /services/couchbase");
const store = await openStore(addresses, etcd);
let number = 0;
let some = [];
for await (const line of createInterface({ input: process.stdin })) {
  number += 1;
  some.push(store.put(...entry(line)));
  if (some.length === AT_ONCE) {
    await Promise.all(some);
    some = [];
  }
}
await Promise.all(some);
console.error(`${number} entries are stored`);
process.exit(0);

function entry(line) {
  try {
    const [key, value] = JSON.parse(line);
    if (Number.isSafeInteger(key) && typeof value === "string") return [key, value];
  } catch {
    // the error below
  }
  throw new Error(`line ${number}: not an entry, which is a line of JSON such as [1, "{}"]`);
}
