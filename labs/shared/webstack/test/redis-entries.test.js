import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import test from "node:test";
import { RedisEntries } from "../stack/lib/redis-entries.js";

const LIB = new URL("../stack/lib/", import.meta.url);
const entriesIn = (redis) => new RedisEntries(redis, { tags: 1, probeTags: [0] });

/** A cluster's client without a node for the key's slot: it looks for the nodes before it sends anything. */
function withoutNode() {
  return undefined.join(",");
}

test("values of a slot that no node serves", async () => {
  const entries = entriesIn({ mget: withoutNode, zrevrange: withoutNode });
  const expected = { message: "no node of the store serves some of its slots" };
  await assert.rejects(entries.values([1]), expected);
  await assert.rejects(entries.newest(1), expected);
});

test("another error of the client is passed on", async () => {
  const entries = entriesIn({ mget: async () => Promise.reject(new Error("CLUSTERDOWN The cluster is down")) });
  await assert.rejects(entries.values([1]), { message: "CLUSTERDOWN The cluster is down" });
});

test("all keys are read in order", async () => {
  const byTag = { "{0}:order": ["10", "2"], "{1}:order": ["7"] };
  const redis = { zrange: async (name, first, last) => byTag[name].slice(first, last === -1 ? undefined : last + 1) };
  assert.deepEqual(await new RedisEntries(redis, { tags: 2, probeTags: [0] }).keys(), [2, 7, 10]);
});

test("values are read by their keys", async () => {
  const entries = entriesIn({ mget: async (names) => names.map((name) => `value of ${name}`) });
  assert.deepEqual(await entries.values([7]), ["value of {0}:event:7"]);
});

test("the error of a program that is called once is one line", () => {
  const program = `import ${JSON.stringify(new URL("one-line-errors.js", LIB))}; await Promise.reject(new Error("why"));`;
  const ended = spawnSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  assert.deepEqual([ended.status, ended.stderr], [1, "why\n"]);
});
