import assert from "node:assert/strict";
import test from "node:test";
import { World } from "./lib/redis-world.js";

for (const members of [["a", "b", "c", "d"], ["a", "b", "c", "d", "e"], [..."abcdefg"]]) {
  test(`${members.length} machines: one shard each, as many replicas as machines may be lost, and every loss is repaired`, () => {
    const world = new World(members);
    world.introduced.clear();
    world.settle();
    const evenly = members.map(() => 1);
    world.check(members, evenly);
    assert.equal(world.config.replicas, Math.floor((members.length - 1) / 2));
    for (let first = 0; first < members.length; first += 1) {
      const lost = Array.from({ length: world.config.replicas }, (_, index) => members[(first + 2 * index) % members.length]);
      for (const member of new Set(lost)) {
        world.lose(member);
        world.settle();
      }
      const left = members.filter((member) => !world.dead.has(member));
      const owned = left.map((member) => world.nodes.filter((node) => node.member === member && node.ranges.length).length);
      assert.ok(Math.max(...owned) - Math.min(...owned) < 2, `${left} own ${owned}`);
      world.check(left, owned.sort());
      for (const member of new Set(lost)) {
        world.bringBack(member);
        world.settle();
      }
      world.check(members, evenly);
      assert.equal(world.decide(), null);
    }
  });
}

test("machines that are lost at the same time, as many as there are replicas, lose no slot", () => {
  for (const members of [["a", "b", "c", "d", "e"], [..."abcdefg"]]) {
    for (let first = 0; first < members.length; first += 1) {
      const world = new World(members);
      world.settle();
      for (let n = 0; n < world.config.replicas; n += 1) world.lose(members[(first + n) % members.length]);
      world.settle();
      assert.equal(world.decide(), null);
    }
  }
});

test("a machine more than the store was made for takes part", () => {
  const world = new World(["a", "b", "c", "d"], 3);
  world.settle();
  world.lose("a");
  world.settle();
  assert.ok(world.nodes.some(({ member, master, ranges }) => member === "d" && (master || ranges.length)));
  world.check(["b", "c", "d"], [1, 1, 1]);
});
