// The worker of the web stack: stores each event of the feed under the time of its arrival, in milliseconds.
import WebSocket from "ws";
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { Lock } from "./lib/lock.js";
import { beforeExit, exitOnSignals, fail, log } from "./lib/program.js";
import { openStore, storeAddresses } from "./lib/store.js";
import { WriteQueue } from "./lib/write-queue.js";

const LOCK = "/services/worker"; // the feed is stored once, also while a machine that was cut off has an old worker
const SILENCE = 5000; // milliseconds of silence after which the feed counts as gone: it sends a ping every second
const QUEUE_LIMIT = 1000; // events that may wait for the store
const CLOSE_LIMIT = 2000; // milliseconds for the feed to confirm that it has sent its last event
const CLOSE_NORMAL = 1000; // WebSocket's code: all that was sent has arrived

exitOnSignals();
const etcd = new Etcd();
const couchbase = await storeAddresses(etcd);
exitOnSet(etcd, "/services/couchbase", couchbase.index);
if (!couchbase.values.length) fail("no store is announced under /services/couchbase");
const [feed] = (await etcd.values("/services/feed")).values;
if (!feed) fail("no feed is announced under /services/feed");
log(`this is ${ownAddress()}; the store: ${couchbase.values.join(", ")}; the feed: ${feed}`);

const store = await openStore(couchbase.values, etcd);
const lock = new Lock(etcd, LOCK, ownAddress());
await lock.hold();
const writes = new WriteQueue(QUEUE_LIMIT, (error) => fail(`the store does not accept an event: ${error.message}`));
let lastKey = 0;
let storedCount = 0;
let isFinishing = false;

const socket = new WebSocket(`ws://${feed}/2/rsvps`, { handshakeTimeout: SILENCE });
const silenceTimer = setTimeout(() => fail(`the feed has been silent for ${SILENCE / 1000} s`), SILENCE);
const closed = new Promise((resolve) => socket.once("close", resolve));
beforeExit(finish);
socket.on("open", () => log("connected to the feed"));
socket.on("ping", () => silenceTimer.refresh());
socket.on("error", (error) => fail(`the feed: ${error.message}`));
socket.on("close", () => isFinishing || fail("the feed has closed the connection"));
socket.on("message", (data) => {
  if (!lock.isHeld) fail(`the lock ${LOCK} is not renewed: another worker may have the feed`);
  silenceTimer.refresh();
  // Two events that arrive in the same millisecond must not share a key.
  const key = (lastKey = Math.max(Date.now(), lastKey + 1));
  writes.add(() => storeEvent(key, data.toString()));
});

async function storeEvent(key, event) {
  await store.put(key, event);
  storedCount += 1;
  if (storedCount === 1 || storedCount % 100 === 0) log(`stored so far: ${storedCount}`);
}

/**
 * Before an exit, has the feed stop and stores what it has sent. The feed's record counts a connection that was closed
 * normally as complete, so after a failed write the connection is broken instead.
 */
async function finish() {
  isFinishing = true;
  clearTimeout(silenceTimer);
  if (writes.hasFailed) socket.terminate();
  else await closeNormally();
  if (!(await writes.drained())) log("not all events that the feed has sent are stored");
}

async function closeNormally() {
  socket.close(CLOSE_NORMAL);
  const timer = setTimeout(() => socket.terminate(), CLOSE_LIMIT);
  await closed;
  clearTimeout(timer);
}
