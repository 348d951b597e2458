// acknowledged.js: what was acknowledged as stored, told again from the search's record, against what the store has of it.
import { Etcd } from "./lib/etcd.js";
import { checksum } from "./lib/events.js";
import { statuses, stored } from "./lib/statuses.js";
import { openStore } from "./lib/store.js";

const etcd = new Etcd();
const [search] = (await etcd.values("/services/search")).values;
if (!search) throw new Error("no search is announced under /services/search");
const record = await (await fetch(`http://${search}/record`, { signal: AbortSignal.timeout(5000) })).json();
const wanted = record.acknowledged.flatMap(([n, word]) => statuses(record.seed, n, word).map(stored));
const store = await openStore((await etcd.values("/services/couchbase")).values);
const found = await store.values(wanted.map(([key]) => key));
const texts = (pairs) => pairs.map(([key, value]) => `${key} ${value}`);
const there = wanted.flatMap(([key], index) => (found[index] === null ? [] : [[key, found[index]]]));
console.log(
  JSON.stringify({
    requests: record.acknowledged.length,
    wanted: { count: wanted.length, checksum: checksum(texts(wanted)) },
    stored: { count: there.length, checksum: checksum(texts(there)) },
    lost: wanted.filter((_, index) => found[index] === null).slice(0, 3).map(([key]) => key),
  }),
);
process.exit(0);
