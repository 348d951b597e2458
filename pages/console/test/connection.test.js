import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

// A browser's WebSocket, as far as the connection uses it.
class Socket {
  static OPEN = 1;
  static made = [];
  constructor(url) {
    this.url = url;
    this.readyState = 0;
    this.sent = [];
    Socket.made.push(this);
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
  opened() {
    this.readyState = 1;
    this.onopen();
  }
  says(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
}

// A clock that stands still until the test lets it go on.
let now;
let timers;
const timer = (act, after, every) => timers.push({ act, at: now + after, every });
function tick(milliseconds) {
  for (const end = now + milliseconds; now < end; ) {
    now += 100;
    for (const each of timers.filter((due) => due && due.at <= now)) {
      if (each.every) each.at = now + each.every;
      else timers[timers.indexOf(each)] = null;
      each.act();
    }
  }
}
const listeners = {};
Object.assign(globalThis, {
  WebSocket: Socket,
  location: { host: "127.0.0.1:8170" },
  document: { visibilityState: "visible", addEventListener: (name, act) => (listeners[name] = act) },
  window: { addEventListener: (name, act) => (listeners[name] = act) },
  setTimeout: (act, after) => timer(act, after, 0),
  setInterval: (act, every) => timer(act, every, every),
  clearTimeout: (number) => (timers[number - 1] = null),
});
Date.now = () => now;
const { connect } = await import("../page/connection.js");

let states;
let news;
beforeEach(() => {
  now = 0;
  timers = [];
  Socket.made = [];
  states = [];
  news = [];
  connect("the token", { state: (word) => states.push(word), news: (each) => news.push(each) });
});
const last = () => Socket.made.at(-1);

test("it says the token first, and makes one document of the patches", () => {
  assert.equal(last().url, "ws://127.0.0.1:8170/live");
  last().opened();
  assert.deepEqual(last().sent, [{ token: "the token" }]);
  last().says({ role: "act", document: { leader: "a", nodes: { a: 1 } } });
  last().says({ patch: { leader: "b" } });
  last().says({});
  assert.deepEqual(news.map((each) => [each.whole, each.document.leader]), [[true, "a"], [false, "b"], [false, "b"]]);
});

test("a connection that is lost is made again, later each time, until it answers", () => {
  last().opened();
  last().says({ document: {} });
  const waits = [];
  for (let time = 0; time < 6; time++) {
    last().close();
    assert.equal(states.at(-1), "reconnecting");
    const made = Socket.made.length;
    let waited = 0;
    while (Socket.made.length === made && waited < 9000) {
      tick(100);
      waited += 100;
    }
    waits.push(waited);
  }
  assert.deepEqual(waits, [300, 600, 1200, 2400, 4800, 5000]);
  last().opened();
  last().says({ document: {} });
  assert.equal(states.at(-1), "live");
  last().close();
  tick(300);
  assert.equal(Socket.made.length, 8, "as soon as at first");
});

test("after a sleep, a connection that says nothing is given up", () => {
  last().opened();
  last().says({ document: {} });
  const before = last();
  now = 60_000; // no timer ran meanwhile
  listeners.visibilitychange();
  assert.notEqual(last(), before);
  assert.equal(before.readyState, 3);
  assert.equal(states.at(-1), "reconnecting");
});

test("a link that is refused is not tried again", () => {
  last().opened();
  last().close(4401);
  tick(60_000);
  assert.equal(Socket.made.length, 1);
  assert.equal(states.at(-1), "refused");
});
