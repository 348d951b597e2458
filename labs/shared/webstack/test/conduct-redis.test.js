import assert from "node:assert/strict";
import test from "node:test";
import { FAILOVER_TIMEOUT, MEMORY_LIMIT, NO_FAILOVER, decide } from "../stack/lib/conduct-redis-plan.js";
import { SLOTS, slotsOfShard } from "../stack/lib/hash-slots.js";
import { gaps } from "../stack/lib/redis-cluster-view.js";
import { MEMORY, World, settledWorld } from "./lib/redis-world.js";

test("three new members become one store: a shard each, with a replica on another machine", () => {
  const world = new World();
  world.introduced.clear();
  const actions = world.settle();
  assert.deepEqual([actions[0], actions.filter((action) => action === "assign").length], ["meet", 3]);
  world.check(["a", "b", "c"], [1, 1, 1]);
  assert.equal(world.decide(), null);
});

test("two members are not enough for a new store of three shards", () => {
  assert.match(new World(["a", "b"]).decide().wait, /2 of 3 members/);
});

test("a conductor can be killed after any step: the next one completes the store", () => {
  const newWorld = () => {
    const world = new World();
    world.introduced.clear();
    return world;
  };
  const steps = newWorld().settle().length;
  for (let stepsBefore = 0; stepsBefore < steps; stepsBefore += 1) {
    const world = newWorld();
    for (let n = 0; n < stepsBefore; n += 1) world.act(world.decide());
    world.settle();
    world.check(["a", "b", "c"], [1, 1, 1]);
  }
});

test("a node that was given half of a shard gets the other half", () => {
  const world = new World();
  world.at("a:8091").ranges.push([0, 100]);
  const step = world.decide();
  assert.deepEqual([step.action, step.place, step.ranges], ["assign", "a:8091", [[101, slotsOfShard(0, 3)[1]]]]);
});

for (const member of ["a", "b", "c"]) {
  test(`${member} is lost three times: its replica takes over, and ${member} gets its share back`, () => {
    const world = settledWorld();
    for (let round = 0; round < 3; round += 1) {
      world.lose(member);
      assert.equal(world.settle()[0], "takeover");
      world.check(["a", "b", "c"].filter((each) => each !== member), [1, 2]);
      world.bringBack(member);
      assert.ok(world.settle().includes("handover"));
      world.check(["a", "b", "c"], [1, 1, 1]);
    }
  });
}

test("machines are lost one after the other, many times", () => {
  const world = settledWorld();
  for (const member of "abccbacabbca") {
    world.lose(member);
    world.settle();
    world.bringBack(member);
    world.settle();
    world.check(["a", "b", "c"], [1, 1, 1]);
  }
});

test("the replica that has received most takes over", () => {
  const world = settledWorld();
  const settings = { ...world.at("c:8093").settings, [NO_FAILOVER]: "no" };
  Object.assign(world.at("c:8093"), { master: world.at("a:8091").id, offset: 900, settings });
  world.lose("a");
  assert.equal(world.decide().place, "c:8093");
});

test("a node that is only silent is left alone until its announcement has expired", () => {
  const silent = [8091, 8092, 8093].map((port) => `a:${port}`);
  assert.equal(settledWorld().decide(silent)?.action, undefined);
});

test("nothing is moved while a replica is still syncing", () => {
  const world = settledWorld();
  const replica = world.nodes.find(({ master }) => master === world.at("a:8091").id);
  replica.isCopied = false;
  assert.deepEqual(world.decide().wait, `${replica.place} is copying a:8091`);
});

test("a member that returns with old data is reset first", () => {
  const world = settledWorld();
  const oldNodes = world.nodes.map((node) => ({ ...node }));
  world.lose("b");
  world.settle();
  world.dead.delete("b");
  const returning = oldNodes.filter(({ member }) => member === "b");
  world.nodes.push(...returning.map((node) => ({ ...node, keys: 9, peers: oldNodes })));
  for (const { id } of returning) world.introduced.delete(id);
  assert.equal(world.settle()[0], "reset");
  world.check(["a", "b", "c"], [1, 1, 1]);
});

test("slots without any copy are reported, and given to no node", () => {
  const world = settledWorld();
  world.lose("a");
  world.lose("b");
  world.settle();
  const { lost } = world.decide();
  const served = world.nodes.filter(({ member }) => member === "c").flatMap(({ ranges }) => ranges);
  const unserved = gaps(served, 0, SLOTS - 1).reduce((sum, [first, last]) => sum + last - first + 1, 0);
  assert.ok(lost > 0);
  assert.equal(lost, unserved);
});

test("a member whose announcement is away, but which answers, is neither replaced nor given anything new", () => {
  const world = settledWorld();
  world.unannounced.add("a");
  assert.deepEqual(world.settle(), []);
  world.lose("c"); // what a has of it takes over, but a is given nothing to copy
  const copies = () => world.nodes.filter(({ member, master }) => member === "a" && master).length;
  const before = copies();
  assert.equal(world.settle()[0], "takeover");
  assert.ok(copies() <= before);
  world.unannounced.delete("a");
  world.settle();
  world.check(["a", "b"], [1, 2]);
});

test("a member whose announcement is away and which no longer answers is replaced", () => {
  const world = settledWorld();
  world.unannounced.add("a");
  world.lose("a");
  assert.equal(world.decide().action, "takeover");
});

test("what answers at the place of a member that was forgotten is left out", () => {
  const world = settledWorld();
  world.lose("a");
  world.settle();
  world.bringBack("a");
  world.unannounced.add("a");
  assert.deepEqual(world.settle(), []);
});

test("a replica that has never finished copying its owner does not take over, whatever it had before", () => {
  const world = settledWorld();
  const owner = world.at("a:8091");
  const replica = world.nodes.find(({ master }) => master === owner.id);
  Object.assign(replica, { isCopied: false, settings: { ...replica.settings, [NO_FAILOVER]: "yes" }, offset: 900 });
  world.lose("a");
  assert.equal(world.settle().includes("takeover"), false);
  assert.ok(world.decide().lost > 0);
});

test("a replica is marked as complete as soon as it is, and not before", () => {
  const world = settledWorld();
  const replica = world.nodes.find(({ master }) => master === world.at("a:8091").id);
  Object.assign(replica, { isCopied: false, settings: { ...replica.settings, [NO_FAILOVER]: "yes" } });
  assert.match(world.decide().wait, /is copying/);
  replica.isCopied = true;
  assert.deepEqual(world.decide().changes, [{ place: replica.place, settings: { [NO_FAILOVER]: "no" } }]);
});

test("the memory limit is set on every node", () => {
  const world = settledWorld();
  world.config.memory = 2 * MEMORY;
  const { action, changes } = world.decide();
  assert.equal(action, "configure");
  assert.deepEqual(changes[0].settings, { [MEMORY_LIMIT]: String(2 * MEMORY) });
  assert.equal(changes.length, 9);
});

test("an owner keeps the time with which it begins until it serves", () => {
  const world = settledWorld();
  const owner = world.at("a:8091");
  Object.assign(owner, { serves: false, settings: { ...owner.settings, [FAILOVER_TIMEOUT]: "1000" } });
  assert.match(world.decide().wait, /^a:8091: /);
  owner.serves = true;
  assert.deepEqual(world.decide().changes, [{ place: "a:8091", settings: { [FAILOVER_TIMEOUT]: "30000" } }]);
});

/** A store whose member a is back, up to the step before a shard moves there; the decision about that shard. */
function beforeHandover() {
  const world = settledWorld();
  world.lose("a");
  world.settle();
  world.bringBack("a");
  for (let step = world.decide(); step.action !== "handover"; step = world.decide()) world.act(step);
  return world;
}

test("a replica takes over when it has heard of the slots of all owners", () => {
  const world = beforeHandover();
  const { place, from } = world.decide();
  const state = world.state();
  const replica = state.reports.find((report) => report.place === place);
  replica.peers = replica.peers.map((peer) => (peer.place === from ? { ...peer, ranges: [] } : peer));
  const decision = decide(state, world.config);
  assert.deepEqual([decision.action, decision.pairs], ["meet", [[from, place]]]);
});

test("a node that has lost its slots loses their keys before it replicates another", () => {
  const world = settledWorld();
  world.lose("a");
  world.settle();
  world.bringBack("a");
  while (world.decide().action === "meet") world.act(world.decide());
  assert.deepEqual([world.decide().action, world.decide().isEmptied], ["replicate", false]);
  const state = world.state();
  const blank = state.reports.find(({ place }) => place === world.decide().place);
  blank.keys = 7;
  const decision = decide(state, world.config);
  assert.deepEqual([decision.action, decision.isEmptied], ["replicate", true]);
});

test("slots that are lost are not given to new members, even when the address of their owner is forgotten", () => {
  const world = settledWorld();
  for (const member of ["a", "b"]) world.lose(member);
  for (const member of ["d", "e"]) world.nodes.push(...world.newNodes(member, ""));
  const decideNow = () => {
    const state = world.state();
    for (const peer of state.reports.flatMap(({ peers }) => peers)) if (world.dead.has(peer.member)) peer.flags.push("noaddr");
    return decide(state, world.config);
  };
  let decision = decideNow();
  for (let steps = 0; decision?.action; steps += 1, decision = decideNow()) {
    assert.notEqual(decision.action, "assign");
    assert.ok(steps < 200);
    world.act(decision);
  }
  assert.equal(decision.lost, 10_923); // a and b had all copies of two of the shards
});
