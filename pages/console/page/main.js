// The console's page: takes the news of the cluster, and draws what has changed.

import * as calls from "./calls.js";
import { ask, connect } from "./connection.js";
import { fill, find, h } from "./dom.js";
import * as labs from "./labs.js";
import * as log from "./log.js";
import * as machines from "./machines.js";
import { queue, short } from "./model.js";
import { Panel } from "./panel.js";
import * as probes from "./probes.js";

const FRAME = 500; // milliseconds between two pictures of the probes
const THEMES = ["system", "light", "dark"];

const token = (() => {
  const given = location.hash.slice(1);
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname); // a projector shows the address, too
  }
  return given || sessionStorage.getItem("token");
})();

let doc = {};
let acts = false; // whether this link may change anything
let skew = 0; // seconds that the console's clock is ahead of this browser's
let drawn = {};
let dirty = false;

const panel = new Panel(token, () => doc, () => acts, stop, report);
const open = (node, tab, more) => panel.open(node, tab, more);

function report(error) {
  find("banner").hidden = !error;
  fill(find("banner"), error ? error.message : "");
}

async function order(body) {
  try {
    report(null);
    await ask(token, "/api/acts", body);
  } catch (error) {
    report(error);
  }
}

function stop(number) {
  ask(token, `/api/acts/${number}/stop`, {}).catch(report);
}

const STATES = {
  live: ["live", "live"],
  reconnecting: ["the console does not answer; trying again …", "lost"],
  refused: ["this link is not, or no longer, one of this console: 'lab console' prints it", "lost"],
  none: ["this page needs its whole link: 'lab console' prints it", "lost"],
};

function state(word) {
  const [text, cls] = STATES[word];
  const link = find("link");
  if (link.textContent !== text) link.textContent = text;
  link.className = cls;
  document.body.classList.toggle("stale", cls === "lost");
}

function news({ document: now, events, samples, role, whole }) {
  if (role) {
    acts = role === "act";
    find("role").hidden = acts;
  }
  doc = now;
  if (doc.seen) skew = doc.seen - Date.now() / 1000 > skew || whole ? doc.seen - Date.now() / 1000 : skew;
  if (whole) probes.reset();
  if (samples) probes.take(samples);
  probes.note(doc);
  if (events || whole) {
    log.take(events || [], whole);
    drawn.log = null;
  }
  schedule();
}

function schedule() {
  if (dirty) return;
  dirty = true;
  requestAnimationFrame(() => {
    dirty = false;
    drawAll();
  });
}

/** Draws a part of the page if one of the values that it shows has changed. */
function part(name, values, draw) {
  const before = drawn[name];
  if (before && before.every((value, at) => value === values[at])) return;
  drawn[name] = values;
  draw();
}

function drawAll() {
  part("top", [doc.cluster, doc.nodes, doc.leader, doc.units, doc.faults, doc.busy, acts], top);
  const tick = Object.keys(doc.faults || {}).length ? Math.floor(doc.seen) : 0; // the time that they last is shown
  part("machines", [doc.nodes, doc.units, doc.faults, doc.leader, doc.subnet, tick], () => machines.draw(doc, open));
  const states = Object.values(doc.nodes || {}).map((node) => node.state).join();
  part("labs", [doc.labs, doc.units, states], () => labs.draw(doc, open));
  part("queue", [doc.units], drawQueue);
  part("acts", [doc.acts, acts], () => calls.draw(doc, acts && stop));
  part("log", [], log.draw);
  part("trouble", [doc.trouble, doc.gone], () => report(doc.gone || doc.trouble ? new Error(doc.gone || doc.trouble) : null));
  if (find("machines-table").open) part("machines-table", [doc.nodes, doc.units, doc.faults, doc.leader], () => fill(find("machines-table").lastElementChild, machines.drawTable(doc)));
  panel.draw();
}

function pill(cls, word, value) {
  return h("span", { class: `pill ${cls}` }, h("small", {}, word), h("b", {}, value));
}

function top() {
  if (!doc.cluster) return;
  document.title = `${doc.cluster} – lab console`;
  fill(find("name"), doc.cluster);
  const nodes = Object.values(doc.nodes || {});
  const faults = Object.values(doc.faults || {});
  const running = nodes.filter((node) => node.state === "running").length;
  const members = nodes.filter((node) => node.etcd === "member");
  const healthy = members.filter((node) => node.etcd_healthy).length;
  const waiting = queue(doc).length;
  fill(
    find("pills"),
    nodes.length
      ? [
          pill(running === nodes.length ? "good" : "bad", "machines", `${running} of ${nodes.length} run`),
          pill(doc.leader === undefined ? "" : !doc.leader ? "bad" : healthy < members.length ? "warn" : "good", "etcd", doc.leader ? `${doc.leader} leads, ${healthy} of ${members.length} healthy` : doc.leader === undefined ? "asked for its leader …" : "no leader"),
          pill(doc.units ? (waiting ? "warn" : "good") : "bad", "fleet", doc.units ? (waiting ? `${waiting} waiting` : "queue empty") : "does not answer"),
          pill(faults.length ? "bad" : "good", "faults", faults.length ? faults.map((fault) => `${fault.node} ${fault.kind}`).join(", ") : "none"),
          doc.busy ? pill("warn", "at work", doc.busy.replace(/ \(process \d+\)$/, "")) : null,
        ]
      : [],
  );
  const heal = find("heal");
  heal.hidden = !acts || !faults.length;
  heal.textContent = faults.length > 1 ? `Heal all ${faults.length}` : "Heal";
}

function drawQueue() {
  const waiting = queue(doc);
  find("queue").hidden = !waiting.length;
  fill(find("waiting"), waiting.map((unit) => h("li", {}, h("b", {}, short(unit.name)), " ", unit.reason ? unit.reason.replace(`${unit.name}: `, "") : unit.node ? `is to run on ${unit.node}` : "has no machine yet")));
}

function theme(next) {
  const now = localStorage.getItem("theme") || "system";
  const word = next ? THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] : now;
  localStorage.setItem("theme", word);
  if (word === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = word;
  find("theme").textContent = `Theme: ${word}`;
}

// A new link that is opened in this tab differs from the page's address in its token alone, which loads nothing.
window.addEventListener("hashchange", () => location.reload());
find("heal").onclick = () => order({ verb: "heal" });
find("theme").onclick = () => theme(true);
find("machines-table").addEventListener("toggle", schedule);
setInterval(() => {
  if (document.visibilityState !== "visible" || !doc.seen) return;
  const now = Date.now() / 1000 + skew;
  probes.draw(doc, now);
  if (find("probes-table").open) fill(find("probes-table").lastElementChild, probes.drawTable(doc, now));
}, FRAME);
theme(false);
if (token) connect(token, { news, state });
else state("none");
