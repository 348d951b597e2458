import assert from "node:assert/strict";
import test from "node:test";
import { SLOTS, decide, gaps, parseNodes } from "../lib/conduct-redis-plan.js";

const CONFIG = { shards: 3, failover: 30_000 };
const PORTS = [8091, 8092, 8093];
const third = (n) => [Math.ceil((n * SLOTS) / 3), Math.ceil(((n + 1) * SLOTS) / 3) - 1];

/** A whole little world: members a, b, c with three Redis each, as they would tell of themselves and each other. */
class World {
  constructor(members = ["a", "b", "c"]) {
    this.all = members.flatMap((member) =>
      PORTS.map((port) => ({ id: `${member}${port}`, place: `${member}:${port}`, member, ranges: [], master: "", keys: 0 })),
    );
    this.acquainted = new Set(this.all.map(({ id }) => id));
    this.dead = new Set();
  }

  of(place) {
    return this.all.find((one) => one.place === place);
  }

  line(one, self) {
    return { ...one, flags: [...(one.id === self.id ? ["myself"] : []), one.master ? "slave" : "master"] };
  }

  seen(silent = []) {
    const alive = this.all.filter(({ place, member }) => !this.dead.has(member) && !silent.includes(place));
    const live = alive.map((one) => {
      const heard = this.acquainted.has(one.id) ? this.all.filter(({ id }) => this.acquainted.has(id)) : [one];
      const nodes = (one.nodes ?? heard).map((other) => this.line(other, one));
      return { ...one, nodes, timeout: CONFIG.failover, replica: Boolean(one.master), offset: one.offset ?? 1, synced: Boolean(one.master) };
    });
    return { live, silent };
  }

  /** Does what was decided, as Redis would. */
  do(step) {
    const { act, place } = step;
    if (act === "assign") this.of(place).ranges.push(...step.ranges);
    else if (act === "replicate") this.of(place).master = step.of;
    else if (act === "takeover" || act === "failover") {
      const one = this.of(place);
      const old = this.all.find(({ id }) => id === one.master);
      [one.ranges, old.ranges, one.master] = [old.ranges, [], ""];
      for (const other of this.all) if (other.master === old.id) other.master = one.id;
      if (act === "failover") old.master = one.id;
    } else if (act === "forget") {
      this.all = this.all.filter(({ id }) => !step.ids.includes(id));
    } else if (act === "meet") {
      for (const pair of step.unmet) for (const each of pair) this.acquainted.add(this.of(each).id);
    } else if (act === "reset") {
      for (const { place: each } of step.of) Object.assign(this.of(each), { ranges: [], master: "", keys: 0, nodes: undefined });
    } else throw new Error(`${act}?`);
  }

  /** Decides and does until nothing is left; returns what was done. */
  settle(config = CONFIG) {
    const done = [];
    for (let step = decide(this.seen(), config); step?.act; step = decide(this.seen(), config)) {
      done.push(step.act);
      assert.ok(done.length < 60, `no end: ${done.slice(-10)}`);
      this.do(step);
    }
    return done;
  }

  check(machines, serving) {
    const live = this.all.filter(({ member }) => !this.dead.has(member));
    assert.deepEqual(gaps(live.flatMap(({ ranges }) => ranges), 0, SLOTS - 1), [], "each slot is served");
    const owners = live.filter(({ ranges }) => ranges.length);
    for (const owner of owners) {
      assert.ok(live.some(({ master, member }) => master === owner.id && member !== owner.member), `${owner.place} has a copy elsewhere`);
    }
    const counts = machines.map((member) => owners.filter((owner) => owner.member === member).length);
    assert.deepEqual(counts.sort(), serving, "no machine serves more than it must");
  }

  lose(member) {
    this.dead.add(member);
  }

  /** The machine is back: its Redis are others, and know nobody. */
  come(member) {
    this.dead.delete(member);
    this.all = this.all.filter((one) => one.member !== member);
    const fresh = PORTS.map((port) => ({ id: `${member}${port}'`, place: `${member}:${port}`, member, ranges: [], master: "", keys: 0 }));
    this.all.push(...fresh);
  }
}

test("CLUSTER NODES is read", () => {
  const text = [
    "aa 10.1.1.2:8091@18091,name myself,master - 0 0 1 connected 0-5461 5470 [5000->-bb]",
    "bb 10.1.2.2:8092@18092 slave,fail aa 0 0 1 disconnected\n",
  ].join("\n");
  assert.deepEqual(parseNodes(text), [
    { id: "aa", place: "10.1.1.2:8091", flags: ["myself", "master"], master: "", ranges: [[0, 5461], [5470, 5470]] },
    { id: "bb", place: "10.1.2.2:8092", flags: ["slave", "fail"], master: "aa", ranges: [] },
  ]);
});

test("gaps between ranges", () => {
  assert.deepEqual(gaps([], 0, 9), [[0, 9]]);
  assert.deepEqual(gaps([[5, 6], [0, 2]], 0, 9), [[3, 4], [7, 9]]);
  assert.deepEqual(gaps([[0, 20]], 3, 9), []);
});

test("three members that know nobody become one store, each with a part and a copy elsewhere", () => {
  const world = new World();
  world.acquainted.clear();
  const done = world.settle();
  assert.deepEqual([done[0], done.filter((act) => act === "assign").length], ["meet", 3]);
  world.check(["a", "b", "c"], [1, 1, 1]);
  assert.equal(decide(world.seen(), CONFIG), null);
});

test("two members are not enough for a new store of three parts", () => {
  assert.match(decide(new World(["a", "b"]).seen(), CONFIG).wait, /2 of 3 members/);
});

test("wherever a conductor dies, the next one goes on", () => {
  const steps = (() => {
    const world = new World();
    world.acquainted.clear();
    return world.settle().length;
  })();
  for (let died = 0; died < steps; died += 1) {
    const world = new World();
    world.acquainted.clear();
    for (let n = 0; n < died; n += 1) world.do(decide(world.seen(), CONFIG));
    world.settle();
    world.check(["a", "b", "c"], [1, 1, 1]);
  }
});

test("half of a part that was given is given whole, to the same", () => {
  const world = new World();
  world.of("a:8091").ranges.push([0, 100]);
  const step = decide(world.seen(), CONFIG);
  assert.deepEqual([step.act, step.place, step.ranges], ["assign", "a:8091", [[101, third(0)[1]]]]);
});

for (const member of ["a", "b", "c"]) {
  test(`${member} is lost, again and again: its copy takes over, copies are made, and it comes back to its share`, () => {
    const world = new World();
    world.settle();
    for (let round = 0; round < 3; round += 1) {
      world.lose(member);
      assert.equal(world.settle()[0], "takeover");
      world.check(["a", "b", "c"].filter((each) => each !== member), [1, 2]);
      world.come(member);
      assert.ok(world.settle().includes("failover"));
      world.check(["a", "b", "c"], [1, 1, 1]);
    }
  });
}

test("one machine after the other, many times", () => {
  const world = new World();
  world.settle();
  for (const member of "abccbacabbca") {
    world.lose(member);
    world.settle();
    world.come(member);
    world.settle();
    world.check(["a", "b", "c"], [1, 1, 1]);
  }
});

test("the copy that has most takes over", () => {
  const world = new World();
  world.settle();
  const owner = world.of("a:8091");
  const spare = world.of("c:8093");
  spare.master = owner.id;
  spare.offset = 900;
  world.lose("a");
  assert.equal(decide(world.seen(), CONFIG).place, "c:8093");
});

test("who is only silent is left alone until its announcement has run out", () => {
  const world = new World();
  world.settle();
  const silent = PORTS.map((port) => `a:${port}`);
  assert.equal(decide(world.seen(silent), CONFIG)?.act, undefined);
});

test("who comes back with yesterday's data is emptied first", () => {
  const world = new World();
  world.settle();
  const yesterday = world.all.map((one) => ({ ...one }));
  world.lose("b");
  world.settle();
  world.dead.delete("b");
  world.all.push(...yesterday.filter(({ member }) => member === "b").map((one) => ({ ...one, keys: 9, nodes: yesterday })));
  for (const one of yesterday.filter(({ member }) => member === "b")) world.acquainted.delete(one.id);
  assert.equal(world.settle()[0], "reset");
  world.check(["a", "b", "c"], [1, 1, 1]);
});

test("what has no copy is told, and nothing of it is given to anybody", () => {
  const world = new World();
  world.settle();
  world.lose("a");
  world.lose("b");
  world.settle();
  const last = decide(world.seen(), CONFIG);
  assert.ok(last.lost > 0);
  assert.ok(world.of("c:8091"));
});
