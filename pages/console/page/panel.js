// The panel of one machine: what it is, breaking it, its journal, a terminal on it.

import { BreakForm } from "./breaking.js";
import { fill, find, h, table } from "./dom.js";
import { Journal } from "./journal.js";
import { colour, command, faultsOf, lasting, part, state, unitsOf } from "./model.js";

const TABS = { machine: "Machine", break: "Break", journal: "Journal", terminal: "Terminal" };

export class Panel {
  /** `doc` returns the document, `acts` whether this link may change anything. `report` shows an error. */
  constructor(token, doc, acts, stop, report) {
    Object.assign(this, { token, doc, acts, stop, report });
    this.node = "";
    this.tab = "machine";
    this.opener = null;
    this.wide = false;
    this.journal = new Journal(token, () => this.draw());
    this.form = new BreakForm(token, stop, () => this.draw());
    this.terminals = new Map(); // by node: each goes on while another tab is shown
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.node && !event.target.closest?.(".xterm")) this.close();
    });
  }

  open(node, tab = "machine", more = {}) {
    if (!node || !(this.doc().nodes || {})[node]) return;
    this.opener = document.activeElement?.dataset?.open ? document.activeElement : this.opener;
    const moved = node !== this.node;
    this.node = node;
    this.form.aim(node, more.family);
    this.journal.aim(node, more.unit || "", moved || more.unit !== undefined);
    this.show(tab in this.tabs() ? tab : "machine");
    find("panel-name").focus({ preventScroll: true });
  }

  close() {
    const opener = this.opener;
    this.node = "";
    this.opener = null;
    this.journal.pause();
    find("panel").hidden = true;
    document.body.classList.remove("paneled");
    opener?.focus();
  }

  tabs() {
    return this.acts() ? TABS : { machine: TABS.machine, journal: TABS.journal };
  }

  /** Shows a tab. With the arrow keys one passes by the terminal: only a click on its tab moves the focus into it. */
  show(tab, passing = false) {
    this.tab = tab;
    if (tab === "journal") this.journal.resume();
    else this.journal.pause();
    if (tab === "break") this.form.load(this.report);
    this.draw();
    if (tab === "terminal") this.terminal(passing);
  }

  draw() {
    const panel = find("panel");
    const doc = this.doc();
    if (!this.node) return;
    if (!(doc.nodes || {})[this.node]) return this.close();
    panel.hidden = false;
    document.body.classList.add("paneled");
    panel.classList.toggle("wide-panel", this.wide);
    panel.classList.toggle("has-terminal", this.tab === "terminal");
    fill(panel, this.head(doc), this.tablist(), h("div", { class: "tab", role: "tabpanel", id: "tab", "aria-labelledby": `tab-${this.tab}`, "data-key": `tab-${this.tab}-${this.node}`, tabindex: this.tab === "terminal" ? null : "0" }, this.content(doc)), this.terminalHosts());
  }

  head(doc) {
    const node = doc.nodes[this.node];
    return h(
      "header",
      { "data-key": "head", class: `n${colour(doc, this.node)}` },
      h("h2", { id: "panel-name", tabindex: "-1" }, h("i", { class: "chip" }), this.node, h("small", {}, `${node.address} · ${node.state} · ${part(doc, this.node)}`)),
      h("button", { type: "button", class: "quiet", "aria-label": this.wide ? "Narrow" : "Wide", title: this.wide ? "Narrow" : "Wide", onclick: () => this.widen() }, this.wide ? "⇥" : "⇤"),
      h("button", { type: "button", class: "quiet", "aria-label": "Close", title: "Close (Escape)", onclick: () => this.close() }, "✕"),
    );
  }

  widen() {
    this.wide = !this.wide;
    this.draw();
  }

  tablist() {
    const names = Object.keys(this.tabs());
    const move = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      this.show(names[(names.indexOf(this.tab) + step + names.length) % names.length], true);
      find(`tab-${this.tab}`).focus();
    };
    return h(
      "div",
      { role: "tablist", "aria-label": `About ${this.node}`, "data-key": "tabs", onkeydown: move },
      names.map((name) => h("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(name === this.tab), "aria-controls": "tab", tabindex: name === this.tab ? "0" : "-1", onclick: () => this.show(name) }, TABS[name])),
    );
  }

  content(doc) {
    switch (this.tab) {
      case "break":
        return this.form.view(doc);
      case "journal":
        return this.journal.view(doc);
      case "terminal":
        return null;
      default:
        return this.machine(doc);
    }
  }

  machine(doc) {
    const node = doc.nodes[this.node];
    const faults = faultsOf(doc, this.node);
    const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const yes = { true: "yes", false: "no" };
    return [
      faults.map((fault) => h("p", { class: "broken-note" }, h("b", {}, "Broken: "), `${fault.text}; for ${lasting(doc.seen - fault.wall)}.`)),
      faults.length && this.acts() ? h("p", {}, h("button", { type: "button", class: "danger", onclick: () => find("heal").click() }, "Heal"), h("span", { class: "soft" }, Object.keys(doc.faults).length > 1 ? " heals every fault of the cluster: " : " undoes it: ", h("code", {}, command(doc, "heal")))) : null,
      h(
        "dl",
        { class: "about" },
        fact("Machine", node.state),
        fact("etcd", `${part(doc, this.node)}, ${node.etcd_healthy ? "healthy" : "not healthy"}`),
        fact("fleet", { true: "listed", false: "not listed" }[node.fleet] || "unknown"),
        fact("Memory", node.memory === null || node.memory === undefined ? "unknown" : `${node.memory} MiB`),
        fact("User namespace of its own", yes[node.isolated] || "unknown"),
        fact("Machine image", node.image ? node.image.slice(0, 12) : "–"),
      ),
      table(`Units on ${this.node}`, ["Unit", "State", "Journal"], unitsOf(doc, this.node).map((unit) => [unit.name, `${state(doc, unit)} (${unit.sub || "–"})`, h("button", { type: "button", "aria-label": `Journal of ${unit.name}`, onclick: () => this.open(this.node, "journal", { unit: unit.name }) }, "Journal")])),
    ];
  }

  /** Terminals are no part of what is drawn anew: each has an element of its own, which stays. */
  terminalHosts() {
    return [...this.terminals.keys()].map((node) => h("div", { class: "terminal", "data-key": `terminal-${node}`, hidden: node !== this.node || this.tab !== "terminal" ? true : null, "data-stays": true }));
  }

  async terminal(passing) {
    const node = this.node;
    if (!this.terminals.has(node)) {
      this.terminals.set(node, null);
      this.draw();
      try {
        const { openTerminal } = await import("./terminal.js");
        const host = document.querySelector(`[data-key="terminal-${node}"]`);
        this.terminals.set(node, openTerminal(host, this.token, node, () => this.ended(node)));
      } catch (error) {
        this.terminals.delete(node);
        this.report(error);
      }
    }
    this.draw();
    if (!passing) this.terminals.get(node)?.focus();
  }

  /** A shell has ended: the next click on the tab opens another. */
  ended(node) {
    this.terminals.get(node)?.close();
    this.terminals.delete(node);
    this.draw();
    if (node === this.node && this.tab === "terminal") this.show("machine");
  }

}
