// The commands that this console has called, and what they print.

import { fill, find, h } from "./dom.js";

const WORDS = { 0: ["done", "pass"], 1: ["failed", "fail"], 3: ["unknown", "unknown"], 130: ["stopped", "unknown"], 143: ["stopped", "unknown"] };
const SHOWN = 3;
let newestDrawn;

const newest = (doc) => Object.keys(doc.acts || {}).map(Number).sort((a, b) => b - a);

export function draw(doc, stop) {
  const numbers = newest(doc);
  find("acts").hidden = !numbers.length;
  if (numbers[0] !== newestDrawn) {
    for (const each of find("calls").children) each.open = false; // what is over makes room
    newestDrawn = numbers[0];
  }
  fill(find("calls"), numbers.slice(0, SHOWN).map((number, at) => call(number, doc.acts[number], at === 0, stop)));
}

export const last = (doc, stop) => {
  const [number] = newest(doc);
  return number ? call(number, doc.acts[number], true, stop) : null;
};

function call(number, act, open, stop) {
  const going = act.code === undefined;
  const [word, tone] = going ? ["running", "running"] : WORDS[act.code] || [`exit code ${act.code}`, "fail"];
  return h(
    "details",
    { class: `call ${tone}`, open: open || going, "data-key": String(number) },
    h("summary", {}, h("code", {}, act.command), h("span", { class: `word ${tone}` }, word)),
    h("pre", { tabindex: "0", "aria-label": `Output of ${act.command}` }, h("span", {}, act.lines.join("\n") || "…")),
    going && stop ? h("button", { type: "button", onclick: () => stop(number) }, "Stop it, as Ctrl-C does") : null,
  );
}
