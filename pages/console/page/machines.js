// The machines on their network: a card for each node, which hangs by its cable from the cluster's bridge.

import { fill, find, h, table } from "./dom.js";
import { cable, colour, faultsOf, lasting, part, short, state, toneOf, units, unitsOf } from "./model.js";

const ROOMY = 9; // nodes up to which units are shown by name
const DENSE = 24; // nodes up to which a card has a line for each thing
const MOST = 9; // names on a card
const WORDS = { up: "up", coming: "not up yet", failed: "failed", off: "off" };
const CABLES = { "": "plugged in", cut: "cut", bad: "disturbed" };

export function draw(doc, act) {
  const names = Object.keys(doc.nodes || {}).sort();
  const dense = names.length > ROOMY;
  const grid = find("grid");
  grid.className = names.length > DENSE ? "dense tiny" : dense ? "dense" : "roomy";
  fill(find("subnet"), doc.subnet ? `${names.length} on ${doc.subnet}. A click on a machine or a cable opens it.` : "");
  const there = new Map([...grid.children].map((each) => [each.dataset.key, each]));
  const running = new Map(names.map((name) => [name, []]));
  for (const unit of units(doc, () => true)) running.get(unit.node)?.push(unit);
  const slots = names.map((name) => {
    const faults = faultsOf(doc, name);
    const shows = JSON.stringify([dense, colour(doc, name), part(doc, name), doc.nodes[name], running.get(name), !doc.units, faults, faults.length && Math.floor(doc.seen)]);
    if (shown.get(name) === shows && there.has(name)) return there.get(name); // most machines have not changed
    shown.set(name, shows);
    return slot(doc, name, dense, act);
  });
  fill(grid, slots);
}

const shown = new Map(); // by node: what its card is made of

function slot(doc, name, dense, act) {
  const node = doc.nodes[name];
  const faults = faultsOf(doc, name);
  const wire = cable(faults);
  const standing = faults.length ? "broken" : node.state === "running" ? "well" : "away";
  return h(
    "div",
    { class: `slot n${colour(doc, name)} ${standing}`, "data-key": name },
    h(
      "button",
      { type: "button", class: `cable ${wire || "whole"}`, "data-key": "cable", "data-open": `${name} cable`, "aria-label": `Cable of ${name}: ${CABLES[wire]}`, title: `Cable of ${name}: ${CABLES[wire]}`, onclick: () => act(name, "break", { family: "network" }) },
      plug(wire),
    ),
    h(
      "div",
      { class: "card", "data-key": "card", onclick: (event) => event.target.closest("button") || act(name) },
      faults.map((fault) => h("p", { class: "fault", title: fault.text }, h("b", {}, fault.kind), " ", h("span", { class: "since" }, `for ${lasting(doc.seen - fault.wall)}`))),
      h(
        "h3",
        {},
        h("button", { type: "button", class: "name", "data-open": name, onclick: () => act(name) }, h("i", { class: "chip" }), name),
        h("span", { class: `state ${node.state}` }, node.state),
      ),
      h(
        "p",
        { class: "facts" },
        h("span", { class: `role ${part(doc, name)}` }, part(doc, name)),
        node.etcd_healthy || node.state !== "running" ? null : h("span", { class: "worse" }, "etcd not healthy"),
        node.fleet === false ? h("span", { class: "worse" }, "not in fleet") : null,
        node.leaving ? h("span", {}, "leaving") : null,
        dense ? null : h("span", { class: "address" }, node.address),
        dense || node.memory === null || node.memory === undefined ? null : h("span", {}, `${node.memory} MiB`),
      ),
      dense ? dots(doc, unitsOf(doc, name)) : chips(doc, name, act),
    ),
  );
}

/** A cable from the bridge to the machine: a line, which is broken where the cable is. */
function plug(wire) {
  const line = (d, cls) => h("path", { d, class: cls });
  const parts = {
    "": [line("M12 0V34", "line")],
    cut: [line("M12 0V9M12 25V34", "line"), line("M7 12l10 10M17 12l-10 10", "cross")],
    bad: [line("M12 0V7l5 4-10 5 10 5-5 4V34", "line")],
  }[wire];
  return h("svg", { viewBox: "0 0 24 40", width: "24", height: "40", "aria-hidden": "true" }, parts, h("rect", { x: "6.5", y: "31", width: "11", height: "9", rx: "2", class: "plug" }));
}

function chips(doc, name, act) {
  const units = unitsOf(doc, name);
  if (!doc.units) return h("p", { class: "soft" }, "fleet does not answer");
  if (!units.length) return h("p", { class: "soft none" }, "no units");
  return h(
    "ul",
    { class: "units plain" },
    units.slice(0, MOST).map((unit) =>
      h(
        "li",
        { "data-key": unit.name },
        h(
          "button",
          { type: "button", class: `unit ${toneOf(doc, unit)}`, title: `${unit.name}: ${state(doc, unit)} (${unit.sub})`, onclick: () => act(name, "journal", { unit: unit.name }) },
          h("i", { class: "dot" }),
          h("span", {}, short(unit.name)),
          toneOf(doc, unit) === "up" ? null : h("small", {}, state(doc, unit)),
        ),
      ),
    ),
    units.length > MOST ? h("li", { class: "soft" }, `and ${units.length - MOST} more`) : null,
  );
}

function dots(doc, running) {
  const counts = {};
  for (const unit of running) counts[toneOf(doc, unit)] = (counts[toneOf(doc, unit)] || 0) + 1;
  const words = Object.entries(counts).map(([each, count]) => `${count} ${WORDS[each]}`);
  return h(
    "p",
    { class: "dots", role: "img", "aria-label": words.join(", ") || "no units" },
    running.map((unit) => h("i", { class: `dot ${toneOf(doc, unit)}`, title: `${unit.name}: ${state(doc, unit)}` })),
  );
}

export function drawTable(doc) {
  const rows = Object.keys(doc.nodes || {}).sort().map((name) => {
    const node = doc.nodes[name];
    const units = unitsOf(doc, name);
    const faults = faultsOf(doc, name).map((fault) => fault.text).join("; ");
    return [
      name,
      node.address,
      node.state,
      `${part(doc, name)}${node.etcd_healthy ? "" : ", not healthy"}`,
      node.fleet === null || node.fleet === undefined ? "unknown" : node.fleet ? "listed" : "not listed",
      node.memory === null || node.memory === undefined ? "–" : `${node.memory} MiB`,
      units.map((unit) => `${short(unit.name)}${toneOf(doc, unit) === "up" ? "" : ` (${state(doc, unit)})`}`).join(", ") || "–",
      CABLES[cable(faultsOf(doc, name))],
      faults || "–",
    ];
  });
  const heads = ["Machine", "Address", "State", "etcd", "fleet", "Memory", "Units", "Cable", "Broken"];
  return table("Every machine, what runs there, and what is broken.", heads, rows);
}
