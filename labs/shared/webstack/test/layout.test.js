import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { SLOTS, slotOf, slotsOfShard, tagOfEachShard } from "../stack/lib/hash-slots.js";
import { layoutFor } from "../stack/lib/layout.js";

const MEMBER = new URL("../../store/member", import.meta.url).pathname;

test("shards, replicas and nodes follow the number of machines", () => {
  const rows = [1, 2, 3, 4, 5, 6, 7].map((machines) => Object.values(layoutFor(machines)));
  assert.deepEqual(rows, [[1, 0, 1], [2, 0, 1], [3, 1, 3], [4, 1, 3], [5, 2, 5], [6, 2, 5], [7, 3, 7]]);
});

test("the machines that are left have room for all shards with their replicas", () => {
  for (let machines = 1; machines < 50; machines += 1) {
    const { shards, replicas, nodes } = layoutFor(machines);
    assert.ok(nodes * (machines - replicas) >= shards * (1 + replicas), `${machines} machines`);
  }
});

/** The ports of the Redis nodes that a member starts, with a program in place of Redis that prints its arguments. */
function portsOfMember(t, machines) {
  const folder = mkdtempSync(join(tmpdir(), "member-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of [["redis-server", "echo $2; sleep 0.3"], ["mkdir", ""]]) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const env = { PATH: `${folder}:${process.env.PATH}`, MACHINES: String(machines) };
  const { stdout, stderr, status } = spawnSync("bash", [MEMBER], { env, encoding: "utf8" });
  return { ports: stdout.trim().split("\n").map(Number).sort(), stderr, status };
}

test("a member starts as many Redis nodes as the conductor expects", (t) => {
  for (const machines of [1, 3, 4, 5, 7]) {
    const expected = Array.from({ length: layoutFor(machines).nodes }, (_, index) => 8091 + index);
    assert.deepEqual(portsOfMember(t, machines).ports, expected);
  }
});

test("a member refuses a number of machines that is none", (t) => {
  const { status, stderr } = portsOfMember(t, "many");
  assert.deepEqual([status, stderr], [2, "MACHINES=many: not a number of machines from 1 to 99\n"]);
});

test("a hash tag's slot is that of the Redis Cluster specification", () => {
  assert.equal(slotOf("123456789"), 0x31c3);
  assert.equal(slotOf("foo"), 12182);
});

test("shards cover all slots, and each has a hash tag", () => {
  for (const shards of [1, 2, 3, 4, 5, 7]) {
    const ranges = Array.from({ length: shards }, (_, shard) => slotsOfShard(shard, shards));
    assert.deepEqual([ranges[0][0], ranges.at(-1)[1]], [0, SLOTS - 1]);
    for (let n = 1; n < shards; n += 1) assert.equal(ranges[n][0], ranges[n - 1][1] + 1);
    tagOfEachShard(shards, 256).forEach((tag, shard) => {
      assert.ok(ranges[shard][0] <= slotOf(tag) && slotOf(tag) <= ranges[shard][1], `shard ${shard} of ${shards}: tag ${tag}`);
    });
  }
});
