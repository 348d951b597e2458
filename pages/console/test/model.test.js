import assert from "node:assert/strict";
import { test } from "node:test";
import * as model from "../page/model.js";

const doc = {
  call: ["lab", " --name other"],
  leader: "core-02",
  nodes: { "core-02": { etcd: "member" }, "core-01": { etcd: "member" }, "core-06": { etcd: "client" } },
  units: {
    a: { name: "a.service", node: "core-01", active: "active" },
    b: { name: "b.service", node: "", active: "unscheduled", reason: "no machine" },
    c: { name: "c.service", node: "core-02", active: "not loaded" },
  },
  faults: { f: { node: "core-01", kind: "loss" } },
};

test("a unit's state is up, coming, failed or off", () => {
  const tones = ["active", "reloading", "activating", "unscheduled", "not loaded", "failed", "inactive", ""].map(model.tone);
  assert.deepEqual(tones, ["up", "up", "coming", "coming", "coming", "failed", "off", "off"]);
});

test("units of a machine that is off are what fleet last heard of them", () => {
  const off = { nodes: { "core-01": { state: "stopped" }, "core-02": { state: "running" } } };
  const unit = { name: "a.service", node: "core-01", active: "active" };
  assert.deepEqual([model.toneOf(off, unit), model.state(off, unit)], ["off", "was active"]);
  assert.deepEqual([model.toneOf(off, { ...unit, node: "core-02" }), model.state(off, { ...unit, node: "core-02" })], ["up", "active"]);
  assert.equal(model.toneOf(off, { ...unit, node: "", active: "unscheduled" }), "coming");
});

test("the queue has what fleet holds and no machine runs", () => {
  assert.deepEqual(model.queue(doc).map((unit) => unit.name), ["b.service", "c.service"]);
  assert.deepEqual(model.queue({}), []);
});

test("a cable is as bad as the worst fault that acts on it", () => {
  assert.equal(model.cable([]), "");
  assert.equal(model.cable([{ kind: "kill" }]), "");
  assert.equal(model.cable([{ kind: "loss" }]), "bad");
  assert.equal(model.cable([{ kind: "delay" }, { kind: "isolate" }]), "cut");
});

test("a node has the colour of its number, and a part in etcd", () => {
  assert.deepEqual(["core-01", "core-02", "core-06", "gone"].map((name) => model.colour(doc, name)), [0, 1, 2, 0]);
  assert.deepEqual(["core-01", "core-02", "core-06"].map((name) => model.part(doc, name)), ["member", "leader", "proxy"]);
});

test("commands reach this cluster, and say what differs from the defaults", () => {
  const fault = { kind: "loss", parameters: [{ name: "percent", default: "20" }] };
  assert.equal(model.typed(doc, "core-01", fault, {}, "", false), "lab break core-01 --fault loss --name other");
  assert.equal(
    model.typed(doc, "core-01", fault, { percent: "50" }, "30s", true),
    "lab break core-01 --fault loss --set percent=50 --for 30s --verify --name other",
  );
  assert.equal(model.typed(doc, "core-01", fault, { percent: "20" }, "", false), "lab break core-01 --fault loss --name other");
  assert.equal(model.command(doc, "ssh", "core-01", "-- journalctl"), "lab ssh --name other core-01 -- journalctl");
});

test("a probe's outage lasts from the first bad sample to the next good one", () => {
  const samples = [[0, true], [1, false], [2, false], [3, true], [4, true], [5, false], [7, false]];
  const { since, longest, last } = model.summary(samples.map(([wall, ok]) => ({ wall, ok })));
  assert.deepEqual([since, longest, last.wall], [5, 2, 7]);
  assert.deepEqual(model.summary([]), { last: undefined, since: null, longest: 0 });
});

test("durations have the unit that fits", () => {
  assert.deepEqual([-3, 0.4, 99.4, 100, 5939, 36000].map(model.lasting), ["0 s", "0 s", "99 s", "2 min", "99 min", "10 h"]);
});
