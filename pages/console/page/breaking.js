// The form that breaks a machine. It shows the command that it calls.

import * as calls from "./calls.js";
import { ask } from "./connection.js";
import { find, h } from "./dom.js";
import { faultsOf, typed } from "./model.js";

const LASTING = [["", "until it is healed"], ["10s", "10 seconds"], ["30s", "30 seconds"], ["60s", "1 minute"], ["5m", "5 minutes"]];

export class BreakForm {
  constructor(token, stop, draw) {
    Object.assign(this, { token, stop, draw });
    this.faults = null;
    this.node = "";
    this.family = "machine";
    this.kind = "";
    this.values = {};
    this.lasting = "";
    this.verify = false;
    this.error = "";
    this.sending = false;
  }

  /** The machine that is to be broken; with a family, a fault of that one is proposed. */
  aim(node, family) {
    if (node !== this.node) this.error = "";
    this.node = node;
    if (family && family !== this.family) this.choose(family);
  }

  async load(report) {
    if (this.faults) return;
    try {
      this.faults = await ask(this.token, "/api/faults");
      this.choose(this.family);
    } catch (error) {
      report(error);
    }
    this.draw();
  }

  /** Proposes a family's first fault. A provider without cables has none of the network. */
  choose(family) {
    this.family = family;
    if (!this.faults) return;
    const first = this.faults.find((fault) => fault.family === family) || this.faults[0];
    this.family = first.family;
    this.pick(first.kind);
  }

  pick(kind) {
    this.kind = kind;
    this.values = {};
    this.error = "";
  }

  set(change) {
    Object.assign(this, change);
    this.draw();
  }

  view(doc) {
    if (!this.faults) return h("p", { class: "soft" }, "Loading …");
    const fault = this.faults.find((each) => each.kind === this.kind) || this.faults[0];
    const families = [...new Set(this.faults.map((each) => each.family))];
    const broken = faultsOf(doc, this.node);
    const labs = Object.keys(doc.labs || {}).length > 0;
    const blocked = broken.length ? `${this.node} is broken already; heal it first.` : doc.busy ? `The cluster is busy: ${doc.busy}.` : "";
    return [
      h("div", { class: "families", role: "group", "aria-label": "What is broken" }, families.map((family) => h("button", { type: "button", "aria-pressed": String(family === this.family), onclick: () => this.set(this.choose(family) || {}) }, family))),
      h("div", { class: "kinds", role: "group", "aria-label": "How" }, this.faults.filter((each) => each.family === this.family).map((each) => h("button", { type: "button", "data-key": each.kind, "aria-pressed": String(each.kind === fault.kind), onclick: () => this.set(this.pick(each.kind) || {}) }, h("b", {}, each.kind), h("span", {}, each.summary)))),
      fault.parameters.length ? h("fieldset", { "data-key": `parameters ${fault.kind}` }, h("legend", {}, "Parameters"), fault.parameters.map((each) => this.parameter(each))) : null,
      h("div", { class: "row" }, fault.comes_back ? h("p", { class: "soft" }, "It comes back by itself.") : this.duration(), labs ? this.prove() : null),
      h("p", { class: "soft" }, `Undone: ${fault.undone}.`),
      h("pre", { class: "command", "aria-label": "The command" }, typed(doc, this.node, fault, this.values, fault.comes_back ? "" : this.lasting, this.verify)),
      h("p", { class: "row" }, h("button", { type: "button", class: "danger big", disabled: blocked || this.sending ? true : null, onclick: () => this.send(fault) }, `Break ${this.node}`), blocked ? h("span", { class: "worse" }, blocked) : null),
      this.error ? h("p", { class: "worse", role: "alert" }, this.error) : null,
      h("div", { class: "latest" }, calls.last(doc, this.stop)),
    ];
  }

  parameter(each) {
    return h("label", { "data-key": each.name }, h("span", {}, each.name, h("small", {}, `${each.help}: ${each.form}`)), h("input", { value: this.values[each.name] ?? each.default, spellcheck: "false", autocomplete: "off", "data-name": each.name, onchange: (event) => this.set({ values: { ...this.values, [each.name]: event.target.value } }) }));
  }

  duration() {
    return h("label", {}, h("span", {}, "It lasts"), h("select", { onchange: (event) => this.set({ lasting: event.target.value }) }, LASTING.map(([value, text]) => h("option", { value, selected: value === this.lasting ? true : null }, text))));
  }

  prove() {
    return h("label", { class: "check" }, h("input", { type: "checkbox", checked: this.verify ? true : null, onchange: (event) => this.set({ verify: event.target.checked }) }), h("span", {}, "Prove recovery and repair", h("small", {}, "gives a verdict, and heals at its end")));
  }

  async send(fault) {
    this.set({ sending: true, error: "" });
    try {
      const values = {};
      for (const input of find("tab").querySelectorAll("input[data-name]")) values[input.dataset.name] = input.value;
      await ask(this.token, "/api/acts", { verb: "break", node: this.node, fault: fault.kind, values, for: fault.comes_back ? "" : this.lasting, verify: this.verify });
    } catch (error) {
      this.error = error.message;
    }
    this.set({ sending: false });
  }
}
