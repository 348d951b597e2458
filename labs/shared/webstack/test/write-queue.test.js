import assert from "node:assert/strict";
import test from "node:test";
import { pause } from "../stack/lib/wait.js";
import { WriteQueue } from "../stack/lib/write-queue.js";

test("writes are carried out one after the other, and drained() waits for all of them", async () => {
  const queue = new WriteQueue(10, assert.fail);
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
  const reasons = [];
  const queue = new WriteQueue(2, (error) => reasons.push(error.message));
  let finish;
  const blocked = new Promise((resolve) => (finish = resolve));
  queue.add(() => blocked);
  queue.add(async () => {});
  assert.deepEqual([reasons, queue.hasFailed], [[], false]);
  queue.add(async () => assert.fail("is carried out"));
  assert.deepEqual([reasons, queue.hasFailed], [["2 writes wait already"], true]);
  finish();
  assert.equal(await queue.drained(), false);
});

test("after a write that has failed no other is carried out, and the reason is given once", async () => {
  const reasons = [];
  const queue = new WriteQueue(10, (error) => reasons.push(error.message));
  const stored = [];
  queue.add(() => Promise.reject(new Error("the store is away")));
  queue.add(async () => stored.push(2));
  queue.add(() => Promise.reject(new Error("the store is still away")));
  assert.equal(await queue.drained(), false);
  assert.deepEqual([stored, queue.hasFailed, reasons], [[], true, ["the store is away"]]);
});
