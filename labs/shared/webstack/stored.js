// stored.js FROM TO: how many events of the feed with these numbers the store has, and their checksum.
import { Etcd } from "./lib/etcd.js";
import { checksum } from "./lib/events.js";
import { openStore } from "./lib/store.js";

const [from, to] = process.argv.slice(2).map(Number);
const { values } = await new Etcd().values("/services/couchbase");
const store = await openStore(values);
const enough = to - from + 1 + 1000; // and those that came after TO
const texts = (await store.newest(enough))
  .map(([, text]) => text)
  .reverse()
  .filter((text) => {
    const { rsvp_id: number } = JSON.parse(text);
    return from <= number && number <= to;
  });
console.log(JSON.stringify({ count: texts.length, checksum: checksum(texts) }));
store.close();
process.exit(0);
