// The web server: the page, a session for each visitor, and every five seconds the newest events for every open page.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { hostname } from "node:os";
import express from "express";
import session from "express-session";
import { Server } from "socket.io";
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { Newest } from "./lib/newest.js";
import { exitOnSignals, log } from "./lib/program.js";
import { MemcachedSessions } from "./lib/sessions.js";
import { openStore, storeAddresses } from "./lib/store.js";
import { repeat, within } from "./lib/wait.js";

const PORT = 3000;
const REFRESH_INTERVAL = 5000; // milliseconds
const SHOWN = 10; // events
const FRESH_FOR = 10_000; // milliseconds after which the newest event counts as old
const HEALTHY_FOR = 3 * REFRESH_INTERVAL; // milliseconds without an answer of the store after which this server is not healthy
const SECRET = "/config/web/secret"; // signs the cookies of all web servers
const ANNOUNCE_INTERVAL = 3000; // milliseconds
const ANNOUNCEMENT_TTL = 8; // seconds

exitOnSignals();
const startedAt = Date.now();
const address = ownAddress();
const etcd = new Etcd();
const couchbase = await storeAddresses(etcd);
const memcached = await etcd.values("/services/memcached");
exitOnSet(etcd, "/services/couchbase", couchbase.index);
exitOnSet(etcd, "/services/memcached", memcached.index);
await etcd.set(SECRET, randomBytes(24).toString("hex"), { create: true });
const secret = await etcd.get(SECRET);
log(`this is ${address}; the store: ${couchbase.values.join(", ") || "none"}; memcached: ${memcached.values.join(", ")}`);

// Without a store the page is served all the same, and says that nothing is stored. The first `set` of a store restarts us.
const store = couchbase.values.length ? await openStore(couchbase.values, etcd) : undefined;
const newest = new Newest(async () => store?.newest(SHOWN) ?? []);

async function refresh() {
  try {
    await within(REFRESH_INTERVAL, newest.refresh());
  } catch (error) {
    log(`the store does not answer: ${error.message}`);
  }
}

const app = express();
app.set("x-powered-by", false);
app.use((_request, response, next) => {
  response.set("X-Served-By", hostname());
  next();
});
// 200 while the store answers: otherwise the balancer prefers another web server.
app.get("/health", (_request, response) => {
  const up = (Date.now() - startedAt) / 1000;
  const isHealthy = newest.readAge < HEALTHY_FOR;
  const state = { address, up, store: couchbase.values, memcached: memcached.values, items: newest.items };
  response.status(isHealthy ? 200 : 503).json(state);
});
// 200 while the page shows new events.
app.get("/fresh", (_request, response) => {
  const isFresh = newest.age < FRESH_FOR;
  response.status(isFresh ? 200 : 503).json({ fresh: isFresh, age: newest.age });
});
// 200 while every part of the store can be written and read.
app.get("/store", async (_request, response) => {
  try {
    if (!store) throw new Error("no store is announced");
    await within(REFRESH_INTERVAL, store.check());
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
// WebSocket only: with long polling, every request of a visitor would have to reach the same web server.
const io = new Server(server, { transports: ["websocket"] });
io.on("connection", (socket) => socket.emit("events", newest.items));
await refresh();
repeat(REFRESH_INTERVAL, async () => {
  await refresh();
  io.emit("events", newest.items);
});

const announce = () =>
  etcd.set(`/services/web/${hostname()}`, `${address}:${PORT}`, { ttl: ANNOUNCEMENT_TTL }).catch((error) => log(error.message));
server.listen(PORT, () => {
  log(`the page is on port ${PORT}`);
  repeat(ANNOUNCE_INTERVAL, announce);
});
