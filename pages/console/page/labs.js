// The deployed labs: their maps with what runs where now, and the steps of their pages.

import { fill, find, h, table } from "./dom.js";
import { colour, short, state, toneOf, units } from "./model.js";

export function draw(doc, act) {
  fill(find("labs"), Object.entries(doc.labs || {}).map(([name, lab]) => section(doc, name, lab, act)));
}

function section(doc, name, lab, act) {
  const id = `lab-${name}`;
  return h(
    "section",
    { "aria-labelledby": id, "data-key": name, class: "lab" },
    h("div", { class: "head" }, h("h2", { id }, name, h("small", {}, lab.title === name ? "" : lab.title))),
    lab.trouble ? h("p", { class: "worse" }, lab.trouble) : null,
    lab.map ? h("div", { class: "map", tabindex: "0", role: "region", "aria-label": `Map of ${name}` }, picture(doc, name, lab.map, act)) : null,
    lab.trouble || lab.map ? null : h("p", { class: "soft" }, "Graphviz is not installed, so there is no picture: apt-get install graphviz."),
    lab.map ? h("p", { class: "legend" }, h("span", { class: "needs" }, "finds it in etcd"), h("span", { class: "bound" }, "is bound to"), h("span", { class: "keys" }, "uses a key of etcd")) : null,
    lab.map ? h("details", {}, h("summary", {}, "As a table"), h("div", { class: "wide", tabindex: "0", role: "region", "aria-label": `Map of ${name} as a table` }, mapTable(doc, lab.map))) : null,
    lab.steps && lab.steps.length ? walk(name, lab) : null,
  );
}

const instances = (doc, box) => units(doc, (unit) => box.units.includes(unit.name));

function worst(doc, running, box) {
  if (box.kind === "etcd") return "etcd";
  const tones = running.map((unit) => toneOf(doc, unit));
  return ["failed", "coming", "off"].find((each) => tones.includes(each)) || (tones.length ? "up" : "off");
}

function picture(doc, name, map, act) {
  const tip = `tip-${name}`;
  return h(
    "svg",
    { viewBox: `-4 -4 ${map.width + 8} ${map.height + 8}`, role: "img", "aria-label": `Map of ${name}; the table below has all that it shows` },
    h("defs", {}, h("marker", { id: tip, viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto-start-reverse" }, h("path", { d: "M0 0L8 4L0 8z", class: "tip" }))),
    map.arrows.map((arrow) => drawArrow(arrow, tip)),
    map.boxes.map((box) => drawBox(doc, box, act)),
  );
}

function drawArrow(arrow, tip) {
  const [first, ...rest] = arrow.points;
  const curve = rest.length >= 3 ? `C${rest.map((point) => point.join(" ")).join(" ")}` : rest.map((point) => `L${point.join(" ")}`).join("");
  return h(
    "g",
    { class: `arrow ${arrow.kind}` },
    h("path", { d: `M${first.join(" ")}${curve}L${arrow.tip.join(" ")}`, "marker-end": `url(#${tip})` }),
    arrow.label ? h("text", { x: String(arrow.label[0]), y: String(arrow.label[1] + 3) }, arrow.by) : null,
  );
}

function drawBox(doc, box, act) {
  const running = instances(doc, box);
  const [x, y] = [box.x - box.width / 2, box.y - box.height / 2];
  const title = box.units.length > 1 ? `${box.name} ×${box.units.length}` : box.name;
  const ports = box.ports.length ? `port ${box.ports.join(", ")}` : "";
  const lines = [title, ports].filter(Boolean);
  const places = box.kind === "etcd" ? [] : running;
  const step = 16;
  const top = box.y - ((lines.length + (places.length || box.kind !== "etcd" ? 1 : 0)) * step) / 2 + 12;
  const open = () => running.length && act(running[0].node, "journal", { unit: running[0].name });
  return h(
    "g",
    { class: `box ${box.kind} ${worst(doc, running, box)}`, onclick: open },
    h("rect", { x: String(x), y: String(y), width: String(box.width), height: String(box.height), rx: box.kind === "service" ? "6" : String(box.height / 2) }),
    lines.map((line, at) => h("text", { x: String(box.x), y: String(top + at * step), class: at ? "port" : "title" }, line)),
    box.kind === "etcd" ? null : chips(doc, box, running, top + lines.length * step),
  );
}

/** Where the instances run: a chip in each machine's colour. */
function chips(doc, box, running, y) {
  if (!running.length) return h("text", { x: String(box.x), y: String(y), class: "none" }, "not running");
  const shown = running.slice(0, 5);
  const width = Math.min(46, (box.width - 10) / shown.length);
  const left = box.x - (width * shown.length) / 2;
  return shown.map((unit, at) =>
    h(
      "g",
      { class: `place n${colour(doc, unit.node)} ${toneOf(doc, unit)}` },
      h("title", {}, `${unit.name}: ${state(doc, unit)} on ${unit.node || "no machine"}`),
      h("rect", { x: String(left + at * width + 1), y: String(y - 10), width: String(width - 2), height: "13", rx: "3" }),
      h("text", { x: String(left + at * width + width / 2), y: String(y) }, (unit.node || "–").replace(/^core-/, "")),
    ),
  );
}

function mapTable(doc, map) {
  const rows = map.boxes.filter((box) => box.kind !== "etcd").map((box) => [
    box.name,
    box.ports.join(", ") || "–",
    map.arrows.filter((arrow) => arrow.from === box.name).map((arrow) => (arrow.kind === "bound" ? `${arrow.to} (bound)` : `${arrow.to} (${arrow.by})`)).join(", ") || "–",
    instances(doc, box).map((unit) => `${short(unit.name)}: ${state(doc, unit)}${unit.node ? ` on ${unit.node}` : ""}`).join(", ") || "not running",
  ]);
  return table("What each service needs, and where it runs now.", ["Service", "Ports", "Needs", "Runs"], rows);
}

/** The step that is next: its text, and what is to be done. */
function now(lab) {
  const { text, task, about, commands, on } = lab.now;
  return h(
    "article",
    { class: "now", "data-key": `step ${lab.step}`, "aria-label": `Step ${lab.step} of ${lab.steps.length}` },
    prose(text),
    task ? h("div", { class: "task" }, h("b", {}, `Task: ${task}`), prose(about)) : null,
    commands && commands.length ? h("div", {}, on ? h("p", { class: "soft" }, `On ${on}:`) : null, h("pre", { class: "command" }, commands.join("\n"))) : null,
  );
}

/** A page's text: the console has made HTML of its Markdown, in which HTML is text. */
function prose(html) {
  const made = h("div", { class: "prose" });
  made.innerHTML = html;
  for (const link of made.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noreferrer noopener" });
  return made;
}

function walk(name, lab) {
  const next = lab.step || 1;
  let section_ = "";
  return h(
    "details",
    { class: "walk", open: next > 1 ? true : null },
    h("summary", {}, next > 1 ? `The walk: step ${next} of ${lab.steps.length} is next` : `The walk: ${lab.steps.length} steps`),
    h("p", { class: "soft" }, "Go through it in a terminal: ", h("code", {}, lab.walk), ". What is done is ticked here."),
    lab.now ? now(lab) : null,
    h(
      "ol",
      { tabindex: "0", "aria-label": `Steps of ${name}` },
      lab.steps.map((step, at) => {
        const heading = step.section === section_ ? null : h("li", { class: "heading", role: "presentation" }, step.section);
        section_ = step.section;
        const done = at + 1 < next;
        const isNext = at + 1 === next && next > 1;
        return [heading, h("li", { value: String(at + 1), class: done ? "done" : isNext ? "next" : "", "aria-current": isNext ? "step" : null }, h("span", {}, step.title), done ? h("span", { class: "hidden" }, " (done)") : null)];
      }),
    ),
  );
}
