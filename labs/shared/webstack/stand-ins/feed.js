// The feed: stands in for an outside service that sends events over WebSocket, one connection for each address.
//
// It records in etcd the number of the last event. It writes the number before it sends the event, so the record never says
// too little, and the record survives the feed's machine. lib/events.js generates the events again from their numbers.
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { Etcd, ownAddress } from "../stack/lib/etcd.js";
import { Lock } from "../stack/lib/lock.js";
import { ForeignWriteError, OwnKey } from "../stack/lib/own-key.js";
import { exitOnSignals, fail, log } from "../stack/lib/program.js";
import { pause, repeat } from "../stack/lib/wait.js";
import { checksum } from "./lib/checksum.js";
import { eventText } from "./lib/events.js";

const PORT = 8000;
const SEED = process.env.FEED_SEED || "1";
const RATE = Number(process.env.FEED_RATE || 4); // events a second
const TICK = 50; // milliseconds between two moments at which events are sent
const HEARTBEAT = 1000; // milliseconds between two pings
const RECORD = "/feed/record";
const ENDED_KEPT = 20; // ended connections in the record
const CLOSE_NORMAL = 1000; // WebSocket's code: the client has received everything

exitOnSignals();
if (!(RATE > 0)) fail(`FEED_RATE=${process.env.FEED_RATE}: not a number of events a second`);
const etcd = new Etcd();
const ownPlace = `${ownAddress()}:${PORT}`;
// The announcement is a lock: an old feed that was frozen and comes back must neither send events nor write the record.
const announcement = new Lock(etcd, "/services/feed/1", ownPlace);
await announcement.hold();
const clients = new Map(); // address -> { socket, from and to: the first and the last event that is sent, alive }
const ended = []; // connections that have ended, the last one at the end: { address, from, to, complete }
const recordedText = await etcd.get(RECORD);
const recordKey = new OwnKey(etcd, RECORD, recordedText);
let sent = Number(recordedText ?? 0);

/**
 * GET /record: how many events were sent, to which clients, and which connections have ended; `complete` are those whose
 * client has received everything. With ?from=N&to=N also the count and the checksum of these events.
 */
function recordOf(query) {
  const connections = [...clients].map(([address, client]) => ({ address, from: client.from }));
  const record = { seed: SEED, rate: RATE, sent, connections, ended };
  if (!query.has("from")) return record;
  const from = Math.max(1, Number(query.get("from")));
  const to = Math.min(sent, Number(query.get("to") ?? sent));
  const texts = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => eventText(SEED, from + index));
  return { ...record, from, to, count: texts.length, checksum: checksum(texts) };
}

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://feed");
  if (url.pathname !== "/record") return response.writeHead(404).end();
  response.setHeader("content-type", "application/json");
  response.end(`${JSON.stringify(recordOf(url.searchParams))}\n`);
});

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  const address = request.socket.remoteAddress.replace(/^::ffff:/, "");
  socket.on("error", () => socket.destroy());
  if (clients.has(address)) {
    log(`${address}: refused, it already has a connection`);
    return socket.end("HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\n\r\n");
  }
  const client = { socket: undefined, from: sent + 1, to: sent, alive: true };
  clients.set(address, client);
  sockets.handleUpgrade(request, socket, head, (webSocket) => {
    client.socket = webSocket;
    client.from = sent + 1;
    client.to = sent;
    webSocket.on("pong", () => (client.alive = true));
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("close", (code) => noteEnd({ address, from: client.from, to: client.to, complete: code === CLOSE_NORMAL }));
    log(`${address}: connected; the next event is ${client.from}`);
  });
  socket.on("close", () => {
    clients.delete(address);
    log(`${address}: disconnected; the last event was ${sent}`);
  });
});

function noteEnd(connection) {
  if (connection.to >= connection.from) ended.push(connection);
  if (ended.length > ENDED_KEPT) ended.shift();
}

repeat(HEARTBEAT, () => {
  for (const client of clients.values()) {
    if (!client.alive) client.socket?.terminate(); // no pong since the last ping: its machine is off, or cut off
    client.alive = false;
    client.socket?.ping();
  }
});

/** Whether a client can be sent events: it is connected, and has not begun to close the connection. */
const isOpen = ({ socket }) => socket?.readyState === WebSocket.OPEN;

/** Sends events at the rate, for as long as a client is connected. */
async function sendEvents() {
  let owed = 0; // events that the rate allows by now and that have not been sent
  let lastTick = Date.now();
  for (;;) {
    await pause(TICK);
    const now = Date.now();
    const isHeard = [...clients.values()].some(isOpen);
    owed = isHeard ? Math.min(owed + ((now - lastTick) * RATE) / 1000, RATE) : 0;
    lastTick = now;
    const count = Math.floor(owed);
    if (!count) continue;
    try {
      announcement.require();
      await recordKey.write(String(sent + count));
    } catch (error) {
      if (error instanceof ForeignWriteError) await fail(`${error.message}: exiting, to start again with it`);
      log(`${error.message}: an event that cannot be recorded is not sent`);
      continue;
    }
    owed -= count;
    for (let n = sent + 1; n <= sent + count; n += 1) {
      const text = eventText(SEED, n);
      for (const client of clients.values()) {
        if (!isOpen(client) || client.from > n) continue;
        client.socket.send(text);
        client.to = n;
      }
    }
    sent += count;
  }
}

server.listen(PORT, () => log(`the feed listens on ${ownPlace}; sent so far: ${sent}`));
sendEvents();
