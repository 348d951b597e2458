// The live connection, which comes back by itself: after a sleep, a network's change, or a console that was restarted.

import { applied } from "./patch.js";

const SILENCE = 15000; // milliseconds without any message after which a connection is taken for dead
const FIRST_WAIT = 300;
const LONGEST_WAIT = 5000;
const NO_TOKEN = 4401; // the console's code for a link that is not one of its own

/** Calls `on.news({document, events, samples, whole})` with every message, and `on.state(word)` with the connection's state. */
export function connect(token, on) {
  let socket = null;
  let document_ = {};
  let wait = FIRST_WAIT;
  let heard = 0;
  let timer = 0;

  const open = () => {
    clearTimeout(timer);
    socket = new WebSocket(`ws://${location.host}/live`);
    heard = Date.now();
    const mine = socket;
    mine.onopen = () => mine.send(JSON.stringify({ token }));
    mine.onmessage = ({ data }) => {
      heard = Date.now();
      wait = FIRST_WAIT;
      const news = JSON.parse(data);
      if (news.document) document_ = news.document;
      else if (news.patch) document_ = applied(document_, news.patch);
      on.state("live");
      on.news({ ...news, whole: Boolean(news.document), document: document_ });
    };
    mine.onclose = ({ code }) => {
      if (mine !== socket) return;
      if (code === NO_TOKEN) return on.state("refused");
      on.state("reconnecting");
      timer = setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT);
    };
  };
  const again = () => {
    if (socket) socket.onclose = null;
    if (socket) socket.close();
    open();
  };
  const look = () => {
    if (Date.now() - heard > SILENCE && socket.readyState <= WebSocket.OPEN) {
      on.state("reconnecting");
      again();
    }
  };
  setInterval(look, 1000);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  window.addEventListener("online", () => socket.readyState !== WebSocket.OPEN && again());
  open();
}

/** Asks the console; the answer, or an error with what it says. */
export async function ask(token, path, body) {
  const options = { headers: { Authorization: `Bearer ${token}` } };
  if (body !== undefined) Object.assign(options, { method: "POST", body: JSON.stringify(body) });
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("the console does not answer");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([said.error || `HTTP ${answer.status}`, said.hint].filter(Boolean).join(": "));
  return said;
}
