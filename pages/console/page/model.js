// What follows from the document: pure functions, tested without a browser.

export const UP = new Set(["active", "reloading", "refreshing"]);
const WAITING = new Set(["unscheduled", "not loaded"]);
const CABLE = { isolate: "cut", partition: "cut", bandwidth: "bad", loss: "bad", delay: "bad", duplicate: "bad" };

/** Whether a unit's machine runs. fleet lists the units of one that is off for some seconds, as it last heard of them. */
export const isHeard = (doc, unit) => !unit.node || !doc.nodes?.[unit.node] || doc.nodes[unit.node].state === "running";

/** A unit's state in words. */
export const state = (doc, unit) => (isHeard(doc, unit) ? unit.active : `was ${unit.active}`);

/** How a unit's state is to be taken, with its machine's. */
export const toneOf = (doc, unit) => (isHeard(doc, unit) ? tone(unit.active) : "off");

/** How a state is to be taken: up, coming, failed, or off. */
export function tone(active) {
  if (UP.has(active)) return "up";
  if (active === "failed") return "failed";
  if (active === "activating" || WAITING.has(active)) return "coming";
  return "off";
}

/** The units of which `which` is true, by name: patches leave an object's members in any order. */
export const units = (doc, which) =>
  Object.values(doc.units || {}).filter(which).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }) || a.node.localeCompare(b.node));

export const unitsOf = (doc, node) => units(doc, (unit) => unit.node === node);

export const faultsOf = (doc, node) => Object.values(doc.faults || {}).filter((fault) => fault.node === node);

/** Units that fleet holds and that no machine runs yet, with the reason where there is one. */
export const queue = (doc) => units(doc, (unit) => WAITING.has(unit.active));

/** The state of a node's cable, by the faults that act on it: "" is whole. */
export function cable(faults) {
  const states = faults.map((fault) => CABLE[fault.kind]).filter(Boolean);
  return states.includes("cut") ? "cut" : states[0] || "";
}

/** Which of the eight colours a node has, by its number, as in reports. */
export const colour = (doc, node) => Math.max(0, Object.keys(doc.nodes || {}).sort().indexOf(node)) % 8;

/** A node's part in etcd, in words. */
export function part(doc, name) {
  const node = doc.nodes[name];
  if (doc.leader === name) return "leader";
  return { member: "member", client: "proxy", announced: "announced", removed: "removed" }[node.etcd] || "unknown";
}

/** How long ago, in words that do not change every moment. */
export function lasting(seconds) {
  if (seconds < 100) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5940) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

export const clock = (wall) => new Date(wall * 1000).toLocaleTimeString("en-GB");

export const short = (unit) => unit.replace(/\.service$/, "");

/** A command of lab, as one would type it for this cluster; options of ssh stand before the node. */
export function command(doc, ...words) {
  const [program, options] = doc.call || ["lab", ""];
  return words[0] === "ssh" ? `${program} ssh${options} ${words.slice(1).join(" ")}` : `${program} ${words.join(" ")}${options}`;
}

/** The command that a form means. */
export function typed(doc, node, fault, values, lasting_, verify) {
  const words = ["break", node, "--fault", fault.kind];
  for (const each of fault.parameters) {
    const value = values[each.name];
    if (value !== undefined && value !== each.default) words.push("--set", `${each.name}=${value}`);
  }
  if (lasting_) words.push("--for", lasting_);
  if (verify) words.push("--verify");
  return command(doc, ...words);
}

/** What the samples of one probe come to: whether it answers now, since when not, and its longest outage. */
export function summary(samples) {
  let since = null;
  let longest = 0;
  for (const { wall, ok } of samples) {
    if (!ok && since === null) since = wall;
    if (since !== null) longest = Math.max(longest, wall - since);
    if (ok) since = null;
  }
  return { last: samples.at(-1), since, longest };
}
