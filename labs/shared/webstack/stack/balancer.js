// A small load balancer: checks each web server's health once a second, and passes requests to those that are healthy.
import { createServer, get } from "node:http";
import { Etcd } from "./lib/etcd.js";
import { forward, forwardUpgrade } from "./lib/forward.js";
import { exitOnSignals, log } from "./lib/program.js";
import { Rotation } from "./lib/rotation.js";
import { repeat } from "./lib/wait.js";

const PORT = 8080;
const CHECK_INTERVAL = 1000; // milliseconds between two health checks
const PATIENCE = 500; // milliseconds: a web server that takes longer to report its health is not healthy

exitOnSignals();
const etcd = new Etcd();
const rotation = new Rotation();

function isHealthy(server) {
  return new Promise((resolve) => {
    const check = get(`http://${server}/health`, { signal: AbortSignal.timeout(PATIENCE), agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    check.on("error", () => resolve(false));
  });
}

async function checkHealth() {
  try {
    const { values: servers } = await etcd.values("/services/web");
    const results = await Promise.all(servers.map(isHealthy));
    const healthy = servers.filter((_, index) => results[index]);
    if (rotation.update(servers, healthy)) log(`healthy: ${healthy.join(", ") || "none"}`);
  } catch (error) {
    log(error.message); // etcd does not answer: the last known list is better than none
  }
}

const balancer = createServer((request, response) => {
  const servers = rotation.next();
  if (servers.length) forward(request, response, servers);
  else response.writeHead(503, { "content-type": "text/plain" }).end("no web server is announced\n");
});

balancer.on("upgrade", (request, socket, head) => {
  socket.on("error", () => socket.destroy());
  const servers = rotation.next();
  if (servers.length) forwardUpgrade(request, socket, head, servers);
  else socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
});

repeat(CHECK_INTERVAL, checkHealth);
balancer.listen(PORT, () => log(`the balancer listens on port ${PORT}`));
