// What has happened, the newest first. What matters is also said to those who do not see the page.

import { fill, find, h } from "./dom.js";
import { clock } from "./model.js";

const SHOWN = 120;
const SAID = new Set(["fault", "healed", "etcd"]);
let events = [];

export function take(news, whole) {
  if (whole) events = [];
  for (const event of news) {
    // A step that has ended takes the place of its beginning.
    const key = `${event.step} ${event.subject || ""}`;
    if (event.kind === "end" || event.kind === "error") events = events.filter((each) => each.kind !== "start" || `${each.step} ${each.subject || ""}` !== key);
    events.unshift(event);
  }
  events.length = Math.min(events.length, SHOWN);
  const important = whole ? [] : news.filter((event) => SAID.has(event.step) && event.kind === "note");
  if (important.length) fill(find("says"), important.map((event) => `${event.step} ${event.subject || ""}: ${event.message}`).join(". "));
}

const toneOf = (event) => (event.kind === "error" ? "bad" : event.data?.tone || (event.kind === "end" ? "done" : event.kind === "start" ? "going" : ""));

export function draw() {
  fill(
    find("log"),
    events.length ? events.map((event) => h("li", { class: toneOf(event) }, h("time", {}, clock(event.wall)), h("span", {}, h("b", {}, [event.step, event.subject].filter(Boolean).join(" ")), event.message ? ` ${event.message}` : "", event.seconds ? h("small", {}, ` ${event.seconds.toFixed(1)} s`) : null))) : h("li", { class: "soft" }, "Nothing yet: this list begins when the page is opened."),
  );
}
