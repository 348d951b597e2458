// Passes one request on to a web server: to the next one when the first does not answer, and never without a time limit.
import { request as httpRequest } from "node:http";

/** Milliseconds to connect; and without a byte from the web server, before its answer and within it. */
const LIMITS = { connect: 500, silence: 10_000 };

/**
 * @typedef {object} Reactions
 * @property {(answer: import("node:http").IncomingMessage) => void} onAnswer a web server answers
 * @property {(answer: object, socket: import("node:net").Socket, head: Buffer) => void} [onUpgrade] it agrees to WebSocket
 * @property {(reason: string) => void} onFailure no web server has answered
 * @property {import("node:stream").Writable} visitor the client's connection: it closes when the client no longer waits
 */

/**
 * Sends a request to the first of the servers ("address:port"), and to the next one when that fails.
 * @param {import("node:http").IncomingMessage} request
 * @param {string[]} servers
 * @param {Reactions} reactions
 */
function ask(request, servers, reactions, limits) {
  const [server, ...otherServers] = servers;
  const { onAnswer, onUpgrade, onFailure, visitor } = reactions;
  const [host, port] = server.split(":");
  const { method, url: path, headers } = request;
  const upstream = httpRequest({ host, port, method, path, headers, agent: false });
  const connectTimer = setTimeout(() => upstream.destroy(new Error("no connection")), limits.connect);
  const abandon = () => upstream.destroy();
  let isAnswered = false;
  const settle = () => {
    isAnswered = true;
    clearTimeout(connectTimer);
  };
  visitor.once("close", abandon);
  upstream.on("socket", (socket) => socket.once("connect", () => clearTimeout(connectTimer)));
  upstream.setTimeout(limits.silence, () => upstream.destroy(new Error(`silent for ${limits.silence / 1000} s`)));
  upstream.once("response", (answer) => {
    settle();
    onAnswer(answer);
  });
  upstream.once("upgrade", (answer, socket, head) => {
    settle();
    socket.setTimeout(0); // an open page may say nothing for long
    onUpgrade?.(answer, socket, head);
  });
  upstream.on("error", (error) => {
    if (isAnswered) return; // the answer breaks off, too
    settle();
    visitor.off("close", abandon);
    if (visitor.destroyed) return;
    // Part of a request's body may have been sent already, so only a GET can be sent again.
    if (method === "GET" && otherServers.length) ask(request, otherServers, reactions, limits);
    else onFailure(`${server}: ${error.message}`);
  });
  if (method === "GET") upstream.end();
  else request.pipe(upstream);
}

/**
 * Answers a request with what a web server answers; with 502 when none does. An answer that breaks off breaks off for the
 * visitor, too.
 */
export function forward(request, response, servers, limits = LIMITS) {
  const onAnswer = (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.on("error", () => {}); // "close" follows
    answer.on("close", () => answer.complete || response.destroy());
    answer.pipe(response);
  };
  const onFailure = (reason) => response.writeHead(502, { "content-type": "text/plain" }).end(`no web server answers: ${reason}\n`);
  ask(request, servers, { onAnswer, onFailure, visitor: response }, limits);
}

const headerLines = (headers) => Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");

/**
 * Connects a visitor's socket and a web server's once that has agreed to WebSocket. Any other answer is passed on, and ends
 * the connection.
 */
export function forwardUpgrade(request, socket, head, servers, limits = LIMITS) {
  const onUpgrade = (answer, upstreamSocket, upstreamHead) => {
    upstreamSocket.on("error", () => socket.destroy());
    upstreamSocket.on("close", () => socket.destroy());
    socket.on("close", () => upstreamSocket.destroy());
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${headerLines(answer.headers)}\r\n`);
    if (upstreamHead.length) socket.write(upstreamHead);
    if (head.length) upstreamSocket.write(head);
    socket.pipe(upstreamSocket).pipe(socket);
  };
  const onAnswer = (answer) => {
    const { connection: _ours, "transfer-encoding": _chunked, ...headers } = answer.headers;
    socket.write(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${headerLines({ ...headers, connection: "close" })}\r\n`);
    answer.on("error", () => socket.destroy());
    answer.pipe(socket);
  };
  const onFailure = () => socket.end("HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\n\r\n");
  ask(request, servers, { onAnswer, onUpgrade, onFailure, visitor: socket }, limits);
}
