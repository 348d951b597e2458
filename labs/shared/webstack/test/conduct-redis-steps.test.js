import assert from "node:assert/strict";
import test from "node:test";
import { FAILOVER_TIMEOUT, STEPS, decide } from "../stack/lib/conduct-redis-plan.js";
import { slotsOfShard } from "../stack/lib/hash-slots.js";
import { World, settledWorld } from "./lib/redis-world.js";

// For each step, a state in which it decides, and what it decides there.
const DECISIONS = {
  "wait until a node answers": [() => ({ reports: [], silent: ["a:8091"] }), { wait: "no member answers" }],
  "promote a replica of each lost owner": [
    () => {
      const world = settledWorld();
      world.lose("a");
      return world.state();
    },
    { action: "takeover", place: "b:8092", message: "a:8091 is gone: b:8092 takes over" },
  ],
  "forget nodes that are gone": [
    () => {
      const world = settledWorld();
      world.lose("a");
      world.act(world.decide());
      return world.state();
    },
    { action: "forget", ids: ["a8091", "a8092", "a8093"] },
  ],
  "wait for nodes that are silent": [() => settledWorld().state(["a:8091"]), { wait: "no answer from a:8091" }],
  "reset nodes that bring old data": [
    () => {
      const world = settledWorld();
      world.lose("c");
      world.settle();
      world.bringBack("c");
      world.at("c:8091").keys = 9;
      return world.state();
    },
    { action: "reset", message: "resetting nodes with old data: c:8091" },
  ],
  "introduce nodes to each other": [
    () => {
      const world = new World(["a"]);
      world.introduced.clear();
      return world.state();
    },
    { action: "meet", pairs: [["a:8091", "a:8092"], ["a:8091", "a:8093"], ["a:8092", "a:8093"]] },
  ],
  "wait until every node knows every other": [
    () => {
      const state = new World().state();
      state.reports[8].peers[7].flags.push("handshake");
      return state;
    },
    { wait: "the nodes are getting to know each other" },
  ],
  "configure nodes": [
    () => {
      const state = new World().state();
      state.reports[4].settings[FAILOVER_TIMEOUT] = "15000";
      return state;
    },
    { action: "configure", changes: [{ place: "b:8092", settings: { [FAILOVER_TIMEOUT]: "30000" } }] },
  ],
  "assign slots that have no owner yet": [
    () => new World().state(),
    { action: "assign", place: "a:8091", ranges: [slotsOfShard(0, 3)], message: "a:8091 owns shard 1 of 3" },
  ],
  "replicate each shard to other machines": [
    () => {
      const world = new World();
      while (world.decide().action === "assign") world.act(world.decide());
      return world.state();
    },
    { action: "replicate", place: "b:8092", owner: "a8091", message: "b:8092 replicates a:8091" },
  ],
  "spread the owners over the machines": [
    () => {
      const world = settledWorld();
      world.lose("a");
      world.settle();
      world.bringBack("a");
      while (world.decide().action === "meet") world.act(world.decide());
      return world.state();
    },
    { action: "replicate", place: "a:8091" },
  ],
  "wait for announcements of nodes that answer": [
    () => {
      const world = settledWorld();
      world.unannounced.add("a");
      return world.state();
    },
    { wait: "a:8091, a:8092, a:8093: not announced, but answering: left alone" },
  ],
  "report slots that are lost": [
    () => {
      const world = settledWorld();
      world.lose("a");
      world.lose("b");
      world.settle();
      return world.state();
    },
    { action: undefined, wait: undefined },
  ],
  "wait until the owners serve": [
    () => {
      const world = settledWorld();
      world.at("b:8091").serves = false;
      world.at("b:8092").serves = false; // a replica: no data waits for it
      return world.state();
    },
    { wait: "b:8091: no service yet" },
  ],
};

test("every step of the table has a decision below", () => {
  assert.deepEqual(Object.keys(DECISIONS), STEPS.map(({ name }) => name));
});

for (const [step, [state, expected]] of Object.entries(DECISIONS)) {
  test(`step: ${step}`, () => {
    const decision = decide(state(), new World().config);
    const compared = Object.fromEntries(Object.keys(expected).map((name) => [name, decision?.[name]]));
    assert.deepEqual({ step: decision?.step, ...compared }, { step, ...expected });
  });
}
