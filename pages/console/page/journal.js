// A machine's journal, or one unit's: the last messages, and then those that come.

import { ask } from "./connection.js";
import { h } from "./dom.js";
import { clock, command, unitsOf } from "./model.js";

const EVERY = 2000; // milliseconds between two looks for new messages
const KEPT = 600; // messages
const WORSE = 3; // priority of an error, see syslog(3)
const REMARK = 4; // of a warning

export class Journal {
  constructor(token, draw) {
    Object.assign(this, { token, draw });
    this.node = "";
    this.unit = "";
    this.timer = 0;
    this.run = 0; // counts what is looked at: an answer for another unit comes too late
    this.clear();
  }

  clear() {
    this.lines = [];
    this.cursor = "";
    this.earlier = false;
    this.error = "";
    this.loaded = false;
  }

  aim(node, unit, anew) {
    if (!anew && node === this.node) return;
    this.node = node;
    this.unit = unit;
    this.run++;
    this.clear();
  }

  resume() {
    this.pause();
    this.look();
  }

  pause() {
    clearTimeout(this.timer);
    this.run++;
  }

  async look() {
    const mine = this.run;
    try {
      if (document.visibilityState === "visible") {
        const words = new URLSearchParams({ node: this.node, unit: this.unit, after: this.cursor });
        const { lines, cursor, earlier } = await ask(this.token, `/api/journal?${words}`);
        if (mine !== this.run) return;
        this.earlier = this.earlier || earlier;
        this.lines = [...this.lines, ...lines.map((line) => ({ ...line, key: `${(this.count = (this.count || 0) + 1)}` }))].slice(-KEPT);
        this.cursor = cursor || this.cursor;
        this.error = "";
      }
    } catch (error) {
      if (mine !== this.run) return;
      this.error = error.message;
    }
    this.loaded = true;
    this.timer = setTimeout(() => this.look(), EVERY);
    this.follow();
  }

  /** Draws; the end stays in sight if it was. */
  follow() {
    const before = document.querySelector(".journal");
    const atEnd = !before || before.scrollTop + before.clientHeight >= before.scrollHeight - 30;
    this.draw();
    const after = document.querySelector(".journal");
    if (after && atEnd) after.scrollTop = after.scrollHeight;
  }

  view(doc) {
    const units = [...new Set([...unitsOf(doc, this.node).map((unit) => unit.name), "etcd2.service", "fleet.service", "docker.service", ...(this.unit ? [this.unit] : [])])].sort();
    return [
      h("div", { class: "row" }, h("label", {}, h("span", {}, "Of"), h("select", { onchange: (event) => this.choose(event.target.value) }, [["", "the whole machine"], ...units.map((unit) => [unit, unit])].map(([value, text]) => h("option", { value, selected: value === this.unit ? true : null }, text)))), h("code", { class: "soft" }, this.unit ? command(doc, "journal", this.unit, "--node", this.node) : command(doc, "ssh", this.node, "-- journalctl"))),
      this.error ? h("p", { class: "worse", role: "alert" }, this.error) : null,
      this.earlier ? h("p", { class: "soft" }, "There are earlier messages; the last ones are shown, and those that come.") : null,
      h(
        "div",
        { class: "journal", tabindex: "0", role: "log", "aria-label": `Journal of ${this.unit || this.node}`, "data-key": `journal ${this.node} ${this.unit}` },
        this.lines.map((line) => h("p", { "data-key": line.key, class: line.priority <= WORSE ? "worse" : line.priority === REMARK ? "remark" : null }, h("time", {}, clock(line.wall)), this.unit ? null : h("b", {}, line.unit), h("span", {}, line.text), line.cut ? h("em", { title: "The message is longer than what is shown." }, "cut") : null)),
        this.loaded && !this.lines.length && !this.error ? h("p", { class: "soft" }, "No message.") : null,
      ),
    ];
  }

  choose(unit) {
    this.aim(this.node, unit, true);
    this.resume();
    this.draw();
  }
}
