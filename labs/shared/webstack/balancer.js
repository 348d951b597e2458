// A small balancer: asks each web server once a second whether it is well, and passes requests to those that are.
import { createServer, get, request as ask } from "node:http";
import { Etcd } from "./lib/etcd.js";
import { endOnTerm, log } from "./lib/program.js";

const PORT = 8080;
const EVERY = 1000; // milliseconds between two looks
const PATIENCE = 500; // milliseconds: who takes longer to say that it is well is not

endOnTerm();
const etcd = new Etcd();
let healthy = []; // "address:port"
let turn = 0;

function isHealthy(place) {
  return new Promise((resolve) => {
    const asked = get(`http://${place}/health`, { timeout: PATIENCE, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
  });
}

async function look() {
  try {
    const { values } = await etcd.values("/services/web");
    const well = await Promise.all(values.map(isHealthy));
    const now = values.filter((_, index) => well[index]);
    if (now.join() !== healthy.join()) log(`well: ${now.join(", ") || "none"}`);
    healthy = now;
  } catch (error) {
    log(error.message); // the last known list is better than none
  }
  setTimeout(look, EVERY);
}

/** The web servers that are well, a different one first each time. */
function inTurn() {
  turn += 1;
  return healthy.map((_, index) => healthy[(turn + index) % healthy.length]);
}

/** Asks one web server after the other until one takes the request; `answered` is told of what it has begun. */
function pass(request, places, { taken, refused }) {
  const [place, ...others] = places;
  if (!place) return refused();
  const [host, port] = place.split(":");
  const { method, url: path, headers } = request;
  const asked = ask({ host, port, method, path, headers, agent: false });
  const patience = setTimeout(() => asked.destroy(new Error("no connection")), PATIENCE);
  asked.on("socket", (socket) => socket.once("connect", () => clearTimeout(patience)));
  asked.once("error", () => {
    clearTimeout(patience);
    // What has a body cannot be sent again: some of it may be gone.
    pass(request, method === "GET" ? others : [], { taken, refused });
  });
  taken(asked);
  if (method === "GET") asked.end();
  else request.pipe(asked);
}

const server = createServer((request, response) => {
  const refused = () => {
    if (response.headersSent) return response.destroy();
    response.writeHead(503, { "content-type": "text/plain" }).end("no web server is well\n");
  };
  const taken = (asked) =>
    asked.once("response", (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
  pass(request, inTurn(), { taken, refused });
});

server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  const taken = (asked) =>
    asked.once("upgrade", (answer, other, rest) => {
      other.on("error", () => socket.destroy());
      other.on("close", () => socket.destroy());
      socket.on("close", () => other.destroy());
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
      if (rest.length) socket.write(rest);
      if (head.length) other.write(head);
      socket.pipe(other).pipe(socket);
    });
  pass(request, inTurn(), { taken, refused: () => socket.destroy() });
});

look();
server.listen(PORT, () => log(`the balancer is on port ${PORT}`));
