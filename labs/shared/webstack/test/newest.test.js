import assert from "node:assert/strict";
import test from "node:test";
import { keyAndValue } from "../stack/lib/statuses.js";
import { Newest } from "../stack/lib/newest.js";
import { eventText } from "../stand-ins/lib/events.js";
import { statuses } from "../stand-ins/lib/statuses.js";

const START = 1_700_000_000_000;

test("an event's age is that of its key, the time of its arrival", async () => {
  let now = START;
  const newest = new Newest(async () => [[START - 3000, eventText("1", 7)]], () => now);
  await newest.refresh();
  now += 1000;
  assert.equal(newest.age, 4000);
  assert.deepEqual(Object.keys(newest.items[0]), ["key", "id", "name"]);
});

test("a status, whose key is a number of its own, is as old as the moment at which it appeared", async () => {
  let now = START;
  let entries = [keyAndValue(statuses("1", 1, "river")[0])];
  const newest = new Newest(async () => entries, () => now);
  await newest.refresh();
  assert.equal(newest.age, Infinity, "it may have been there for hours");
  now += 5000;
  entries = [keyAndValue(statuses("1", 2, "river")[0]), ...entries];
  await newest.refresh();
  now += 20_000;
  await newest.refresh();
  assert.equal(newest.age, 20_000);
});

test("without an answer the items stay, and grow old", async () => {
  let now = START;
  let isAway = false;
  const read = async () => {
    if (isAway) throw new Error("away");
    return [[START, eventText("1", 1)]];
  };
  const newest = new Newest(read, () => now);
  assert.equal(newest.readAge, Infinity);
  await newest.refresh();
  isAway = true;
  now += 16_000;
  await assert.rejects(newest.refresh(), /away/);
  assert.deepEqual([newest.items.length, newest.age, newest.readAge], [1, 16_000, 16_000]);
});

test("an empty store has no newest entry", async () => {
  const newest = new Newest(async () => [], () => START);
  await newest.refresh();
  assert.deepEqual([newest.items, newest.age, newest.readAge], [[], Infinity, 0]);
});
