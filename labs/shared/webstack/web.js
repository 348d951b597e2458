// The web server: the page, a session for each visitor, and every five seconds the newest events for whoever looks.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { hostname } from "node:os";
import express from "express";
import session from "express-session";
import { Server } from "socket.io";
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { endOnTerm, log } from "./lib/program.js";
import { MemcachedSessions } from "./lib/sessions.js";
import { openStore, storeAddresses } from "./lib/store.js";

const PORT = 3000;
const EVERY = 5000; // milliseconds between two messages
const SHOWN = 10;
const STALE = 10_000; // milliseconds after which the newest event is old
const SECRET = "/config/web/secret"; // signs the cookies of all web servers

endOnTerm();
const began = Date.now();
const address = ownAddress();
const etcd = new Etcd();
const couchbase = await storeAddresses(etcd);
const memcached = await etcd.values("/services/memcached");
exitOnSet(etcd, "/services/couchbase", couchbase.index, log);
exitOnSet(etcd, "/services/memcached", memcached.index, log);
await etcd.set(SECRET, randomBytes(24).toString("hex"), { create: true });
const secret = await etcd.get(SECRET);
log(`this is ${address}; the store: ${couchbase.values.join(", ") || "none"}; memcached: ${memcached.values.join(", ")}`);

// Without a store the page is served all the same, and tells that there is nothing; a `set` will end us.
const store = couchbase.values.length ? await openStore(couchbase.values) : undefined;
let newest = []; // [key, { id, name }], newest first

async function refresh() {
  try {
    const found = (await store?.newest(SHOWN)) ?? [];
    newest = found.map(([key, text]) => [key, shown(key, JSON.parse(text))]);
  } catch (error) {
    log(`the store does not answer: ${error.message}`);
  }
}

/** An event of the feed, or a text that a search has found. */
function shown(key, { event, event_name: name }) {
  return event ? { id: event.event_id, name: event.event_name } : { id: String(key), name };
}

const items = () => newest.map(([key, event]) => ({ key, ...event }));

const app = express();
app.set("x-powered-by", false);
app.use((_request, response, next) => {
  response.set("X-Served-By", hostname());
  next();
});
app.get("/health", (_request, response) => {
  const up = (Date.now() - began) / 1000;
  response.json({ address, up, store: couchbase.values, memcached: memcached.values, items: items() });
});
// 200 while what the page shows is new.
app.get("/fresh", (_request, response) => {
  const age = newest.length ? Date.now() - newest[0][0] : Infinity;
  response.status(age < STALE ? 200 : 503).json({ fresh: age < STALE, age });
});
// 200 while every part of the store can be written and read.
app.get("/store", async (_request, response) => {
  try {
    if (!store) throw new Error("no store is announced");
    await store.check();
    response.json({ store: "serves" });
  } catch (error) {
    response.status(503).json({ store: error.message });
  }
});
const sessions = session({ store: new MemcachedSessions(memcached.values), secret, resave: false, saveUninitialized: true });
app.get("/session", sessions, (request, response) => {
  request.session.visits = (request.session.visits ?? 0) + 1;
  response.json({ visits: request.session.visits });
});
app.get("/", sessions, (_request, _response, next) => next());
app.use(express.static("public"));

const server = createServer(app);
// No long polling: its requests would have to reach the same web server each time, whoever balances.
const io = new Server(server, { transports: ["websocket"] });
io.on("connection", (socket) => socket.emit("events", items()));
await refresh();
setInterval(async () => {
  await refresh();
  io.emit("events", items());
}, EVERY);
const announce = () =>
  etcd.set(`/services/web/${hostname()}`, `${address}:${PORT}`, { ttl: 8 }).catch((error) => log(error.message));
setInterval(announce, 3000);
server.listen(PORT, () => {
  log(`the page is on port ${PORT}`);
  announce();
});
