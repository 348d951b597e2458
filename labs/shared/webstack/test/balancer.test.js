import assert from "node:assert/strict";
import { createServer, get } from "node:http";
import { connect } from "node:net";
import test from "node:test";
import { forward, forwardUpgrade } from "../stack/lib/forward.js";
import { Rotation } from "../stack/lib/rotation.js";

const PATIENT = { connect: 60_000, silence: 60_000 };
const IMPATIENT = { connect: 60_000, silence: 1000 };

/** Starts a server for one test; its "address:port". */
async function listen(t, onRequest, onUpgrade) {
  const server = createServer(onRequest);
  const sockets = new Set();
  server.on("connection", (socket) => sockets.add(socket));
  if (onUpgrade) server.on("upgrade", onUpgrade);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${server.address().port}`;
}

/** A balancer with these time limits, in front of web servers that answer a request like this. */
async function balancerOf(t, limits, ...webServers) {
  const servers = [];
  for (const [onRequest, onUpgrade] of webServers) servers.push(await listen(t, onRequest, onUpgrade));
  return listen(
    t,
    (request, response) => forward(request, response, servers, limits),
    (request, socket, head) => forwardUpgrade(request, socket, head, servers, limits),
  );
}

/** An answer's status and body; `isComplete` is false when it breaks off. */
function ask(place, options = {}) {
  return new Promise((resolve, reject) => {
    const request = get(`http://${place}/`, options, (answer) => {
      let body = "";
      answer.on("data", (data) => (body += data));
      answer.on("error", () => {});
      answer.on("close", () => resolve({ status: answer.statusCode, body, isComplete: answer.complete }));
    });
    request.on("error", reject);
  });
}

const silent = [() => {}];
const well = [(_request, response) => response.end("a page")];

test("a web server that accepts a request and says nothing is given up, and the next one is asked", async (t) => {
  assert.deepEqual(await ask(await balancerOf(t, IMPATIENT, silent, well)), { status: 200, body: "a page", isComplete: true });
});

test("when no web server answers, the visitor gets status 502", async (t) => {
  const { status, body } = await ask(await balancerOf(t, IMPATIENT, silent));
  assert.equal(status, 502);
  assert.match(body, /no web server answers: .*silent for 1 s/);
});

test("an answer that breaks off, or does not go on, breaks off for the visitor, too", async (t) => {
  for (const [limits, spoil] of [[PATIENT, (response) => response.destroy()], [IMPATIENT, () => {}]]) {
    const half = [
      (_request, response) => {
        response.writeHead(200, { "content-length": "100" });
        response.write("half a page");
        setTimeout(() => spoil(response), 20);
      },
    ];
    assert.deepEqual(await ask(await balancerOf(t, limits, half)), { status: 200, body: "half a page", isComplete: false });
  }
});

test("a visitor that disconnects ends the request to the web server", async (t) => {
  let hasEnded;
  const ended = new Promise((resolve) => (hasEnded = resolve));
  const place = await balancerOf(t, PATIENT, [(request) => request.on("close", hasEnded)]);
  const request = get(`http://${place}/`);
  request.on("error", () => {});
  setTimeout(() => request.destroy(), 20);
  await ended;
});

/** What the balancer sends to a socket that asks for WebSocket, until it ends the connection or `until` has come. */
function upgrade(place, until) {
  return new Promise((resolve) => {
    const socket = connect(Number(place.split(":")[1]), "127.0.0.1");
    let text = "";
    socket.on("data", (data) => {
      text += data;
      if (until && text.includes(until)) socket.destroy();
    });
    socket.on("close", () => resolve(text));
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  });
}

test("an upgrade that is answered by another status than 101 is passed on and ends", async (t) => {
  const refusing = [(_request, response) => response.writeHead(403).end("no"), undefined];
  const text = await upgrade(await balancerOf(t, PATIENT, refusing));
  assert.match(text, /^HTTP\/1.1 403 Forbidden\r\n/);
  assert.match(text, /\r\n\r\nno$/);
});

test("an upgrade without any answer ends", async (t) => {
  assert.match(await upgrade(await balancerOf(t, IMPATIENT, [() => {}, () => {}])), /^HTTP\/1.1 502 /);
});

test("an upgrade that is agreed to connects both sides, for longer than the time limit", async (t) => {
  const agreeing = (_request, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    setTimeout(() => socket.write("hello"), 1.5 * IMPATIENT.silence);
  };
  assert.match(await upgrade(await balancerOf(t, IMPATIENT, [() => {}, agreeing]), "hello"), /^HTTP\/1.1 101 [^]*hello$/);
});

test("healthy servers take turns; when none is healthy, all that are announced do", () => {
  const rotation = new Rotation();
  assert.deepEqual(rotation.next(), []);
  assert.equal(rotation.update(["a", "b", "c"], ["a", "b"]), true);
  assert.deepEqual([rotation.next(), rotation.next()], [["a", "b"], ["b", "a"]]);
  assert.equal(rotation.update(["a", "b", "c"], []), true);
  assert.deepEqual(rotation.next().sort(), ["a", "b", "c"]);
  assert.equal(rotation.update(["a", "b"], []), false);
});
