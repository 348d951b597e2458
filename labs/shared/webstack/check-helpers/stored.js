// stored.js FROM TO: prints count and checksum of the feed's events with these numbers in the store, and the number of the
// oldest event that it has found, as one line of JSON. The checks of ch6 run it in a container.
import "../stack/lib/one-line-errors.js";
import { Etcd } from "../stack/lib/etcd.js";
import { openStore } from "../stack/lib/store.js";
import { checksum } from "../stand-ins/lib/checksum.js";

const NEWER = 1000; // events that may have been stored after TO

const [from, to] = process.argv.slice(2).map(Number);
const etcd = new Etcd();
const store = await openStore((await etcd.values("/services/couchbase")).values, etcd);
const newest = await store.newest(to - from + 1 + NEWER);
const events = newest.map(([, text]) => ({ number: JSON.parse(text).rsvp_id, text })).reverse();
const texts = events.filter(({ number }) => from <= number && number <= to).map(({ text }) => text);
console.log(JSON.stringify({ count: texts.length, checksum: checksum(texts), oldest: events[0]?.number }));
store.close();
process.exit(0);
