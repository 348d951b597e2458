// The feed: a stream of events over WebSocket, one connection for each address, and a record of all that was sent.
//
// The record is a number in etcd, the last event's. It is written before the event is sent, so it never says too little,
// and it outlives the feed's machine. What the events were follows from the seed (lib/events.js).
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { Etcd, ownAddress } from "./lib/etcd.js";
import { checksum, eventText } from "./lib/events.js";
import { endOnTerm, fail, log } from "./lib/program.js";

const PORT = 8000;
const SEED = process.env.FEED_SEED || "1";
const RATE = Number(process.env.FEED_RATE || 4); // events a second
const TICK = 50; // milliseconds
const BEAT = 1000; // milliseconds between two signs of life
const RECORD = "/feed/record";
const ANNOUNCED = "/services/feed";

endOnTerm();
if (!(RATE > 0)) fail(`FEED_RATE=${process.env.FEED_RATE}: not a number of events a second`);
const etcd = new Etcd();
const clients = new Map(); // address -> { socket, from, alive }
let sent = Number((await etcd.get(RECORD)) ?? 0);

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://feed");
  if (url.pathname !== "/record") return response.writeHead(404).end();
  response.setHeader("content-type", "application/json");
  const connections = [...clients].map(([address, client]) => ({ address, from: client.from }));
  const answer = { seed: SEED, rate: RATE, sent, connections };
  if (url.searchParams.has("from")) {
    const from = Math.max(1, Number(url.searchParams.get("from")));
    const to = Math.min(sent, Number(url.searchParams.get("to") ?? sent));
    const texts = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => eventText(SEED, from + index));
    Object.assign(answer, { from, to, count: texts.length, checksum: checksum(texts) });
  }
  response.end(`${JSON.stringify(answer)}\n`);
});

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  const address = request.socket.remoteAddress.replace(/^::ffff:/, "");
  socket.on("error", () => socket.destroy());
  if (clients.has(address)) {
    log(`${address}: refused, it has a connection already`);
    return socket.end("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n");
  }
  const client = { socket: undefined, from: sent + 1, alive: true };
  clients.set(address, client);
  sockets.handleUpgrade(request, socket, head, (opened) => {
    client.socket = opened;
    client.from = sent + 1;
    opened.on("pong", () => (client.alive = true));
    opened.on("error", () => opened.terminate());
    log(`${address}: connected; the next event is ${client.from}`);
  });
  socket.on("close", () => {
    clients.delete(address);
    log(`${address}: gone; the last event was ${sent}`);
  });
});

setInterval(() => {
  for (const client of clients.values()) {
    if (!client.alive) client.socket?.terminate(); // its machine has lost its power, or its cable
    client.alive = false;
    client.socket?.ping();
  }
  etcd.set(`${ANNOUNCED}/1`, `${ownAddress()}:${PORT}`, { ttl: 8 }).catch((error) => log(error.message));
}, BEAT);

/** Sends as many events as the rate asks for, for as long as somebody listens. */
async function send() {
  let owed = 0;
  let before = Date.now();
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, TICK));
    const now = Date.now();
    const listening = [...clients.values()].filter((client) => client.socket);
    owed = listening.length ? Math.min(owed + ((now - before) * RATE) / 1000, RATE) : 0;
    before = now;
    const count = Math.floor(owed);
    if (!count) continue;
    try {
      await etcd.set(RECORD, String(sent + count));
    } catch (error) {
      log(`${error.message}: nothing is sent that cannot be recorded`);
      continue;
    }
    owed -= count;
    for (let n = sent + 1; n <= sent + count; n += 1) {
      const text = eventText(SEED, n);
      for (const client of clients.values()) if (client.socket && client.from <= n) client.socket.send(text);
    }
    sent += count;
  }
}

server.listen(PORT, () => log(`the feed listens on ${ownAddress()}:${PORT}; sent so far: ${sent}`));
send();
