// The worker: stores each event of the feed under the time at which it came, in milliseconds.
import WebSocket from "ws";
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { endOnTerm, fail, log } from "./lib/program.js";
import { openStore, storeAddresses } from "./lib/store.js";

const SILENCE = 5000; // milliseconds after which the feed counts as gone; it gives a sign each second

endOnTerm();
const etcd = new Etcd();
const couchbase = await storeAddresses(etcd);
exitOnSet(etcd, "/services/couchbase", couchbase.index, log);
if (!couchbase.values.length) fail("no store is announced under /services/couchbase");
const [feed] = (await etcd.values("/services/feed")).values;
if (!feed) fail("no feed is announced under /services/feed");
log(`this is ${ownAddress()}; the store: ${couchbase.values.join(", ")}; the feed: ${feed}`);

const store = await openStore(couchbase.values);
let last = 0; // the last key
let stored = 0;
let queue = Promise.resolve();

const socket = new WebSocket(`ws://${feed}/2/rsvps`, { handshakeTimeout: SILENCE });
const silence = setTimeout(() => fail(`the feed has been silent for ${SILENCE / 1000} s`), SILENCE);
socket.on("open", () => log("connected to the feed"));
socket.on("ping", () => silence.refresh());
socket.on("error", (error) => fail(`the feed: ${error.message}`));
socket.on("close", () => fail("the feed has closed the connection"));
socket.on("message", (data) => {
  silence.refresh();
  // Two events of one millisecond must not share a key.
  const key = (last = Math.max(Date.now(), last + 1));
  queue = queue.then(async () => {
    await store.put(key, data.toString());
    stored += 1;
    if (stored === 1 || stored % 100 === 0) log(`stored so far: ${stored}`);
  }).catch((error) => fail(`the store does not take event ${key}: ${error.message}`));
});
