import assert from "node:assert/strict";
import test from "node:test";
import { ChangeSignal, pause, repeat, waitUntil, within } from "../stack/lib/wait.js";

test("waitUntil checks again until the condition is true", async () => {
  let checks = 0;
  assert.equal(await waitUntil(() => (checks += 1) === 3, { limit: 10_000, interval: 1 }), true);
  assert.equal(checks, 3);
});

test("waitUntil gives up after the limit", async () => {
  assert.equal(await waitUntil(() => false, { limit: 5, interval: 1 }), false);
});

test("a change before the waiting is not missed", async () => {
  const change = new ChangeSignal();
  change.notify();
  await change.settled({ quiet: 1, limit: 600_000 });
});

test("a change ends the waiting", async () => {
  const change = new ChangeSignal();
  const settled = change.settled({ quiet: 1, limit: 600_000 });
  change.notify();
  await settled;
});

test("changes that follow each other are waited for together", async () => {
  const change = new ChangeSignal();
  let following = 3;
  const timer = setInterval(() => {
    if (following-- > 0) change.notify();
    else clearInterval(timer);
  }, 1);
  change.notify();
  await change.settled({ quiet: 50, limit: 600_000 });
  assert.ok(following <= 0, `${following} changes came after the end of the wait`);
});

test("without a change the waiting ends after the limit", async () => {
  await new ChangeSignal().settled({ quiet: 600_000, limit: 1 });
});

test("what is repeated never runs twice at the same time, however long it takes", async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  await repeat(1, async () => {
    most = Math.max(most, (running += 1));
    await pause(5);
    running -= 1;
    return (runs += 1) < 4;
  });
  assert.deepEqual([runs, most], [4, 1]);
});

test("a promise that takes too long is given up", async () => {
  assert.equal(await within(600_000, Promise.resolve(1)), 1);
  await assert.rejects(within(5, new Promise(() => {})), /no answer within 0.005 s/);
});
