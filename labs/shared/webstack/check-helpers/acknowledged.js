// acknowledged.js: compares what the search's record says was acknowledged as stored with what the store has of it, for the
// newest requests and a sample of all others, since the record grows for ever. Prints one line of JSON. The checks of ch7 run
// it in a container.
import "../stack/lib/one-line-errors.js";
import { Etcd } from "../stack/lib/etcd.js";
import { keyAndValue } from "../stack/lib/statuses.js";
import { openStore } from "../stack/lib/store.js";
import { checksum } from "../stand-ins/lib/checksum.js";
import { statuses } from "../stand-ins/lib/statuses.js";

const COMPARED = 2000; // requests
const PATIENCE = 5000; // milliseconds for the search's answer

const etcd = new Etcd();
const [search] = (await etcd.values("/services/search")).values;
if (!search) throw new Error("no search is announced under /services/search");
const record = await (await fetch(`http://${search}/record?sample=${COMPARED}`, { signal: AbortSignal.timeout(PATIENCE) })).json();
const wanted = record.sample.flatMap(([n, word]) => statuses(record.seed, n, word).map(keyAndValue));

const store = await openStore((await etcd.values("/services/couchbase")).values, etcd);
const values = await store.values(wanted.map(([key]) => key));
const found = wanted.map(([key], index) => [key, values[index]]).filter(([, value]) => value !== null);
const lost = wanted.map(([key]) => key).filter((_, index) => values[index] === null);

const summary = (pairs) => ({ count: pairs.length, checksum: checksum(pairs.map(([key, value]) => `${key} ${value}`)) });
console.log(
  JSON.stringify({
    requests: record.acknowledged,
    wanted: summary(wanted),
    stored: summary(found),
    lost: lost.slice(0, 3),
  }),
);
process.exit(0);
