import assert from "node:assert/strict";
import test from "node:test";
import { pause } from "../stack/lib/wait.js";
import { WriteQueue } from "../stack/lib/write-queue.js";

test("writes are carried out one after the other, and drained() waits for all of them", async () => {
  const queue = new WriteQueue(10);
  const stored = [];
  for (const [n, milliseconds] of [[1, 20], [2, 0], [3, 5]]) {
    queue.add(async () => {
      await pause(milliseconds);
      stored.push(n);
    });
  }
  assert.equal(await queue.drained(), true);
  assert.deepEqual(stored, [1, 2, 3]);
});

test("no more writes wait than the limit", async () => {
  const queue = new WriteQueue(2);
  let finish;
  const blocked = new Promise((resolve) => (finish = resolve));
  queue.add(() => blocked);
  queue.add(async () => {});
  await assert.rejects(queue.add(async () => {}), /2 writes wait already/);
  assert.equal(queue.hasFailed, true);
  finish();
  assert.equal(await queue.drained(), false);
});

test("after a write that has failed no other is carried out", async () => {
  const queue = new WriteQueue(10);
  const stored = [];
  const results = await Promise.allSettled([
    queue.add(() => Promise.reject(new Error("the store is away"))),
    queue.add(async () => stored.push(2)),
  ]);
  assert.deepEqual(results.map(({ reason }) => reason?.message), ["the store is away", "the store is away"]);
  assert.deepEqual([stored, queue.hasFailed, await queue.drained()], [[], true, false]);
});
