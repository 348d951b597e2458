import assert from "node:assert/strict";
import test from "node:test";
import { checksum, eventText } from "../lib/events.js";

test("an event follows from the seed and its number", () => {
  assert.equal(eventText("1", 7), eventText("1", 7));
  assert.notEqual(eventText("1", 7), eventText("2", 7));
  assert.notEqual(eventText("1", 7), eventText("1", 8));
});

test("an event has the shape of the feed that it stands for", () => {
  const message = JSON.parse(eventText("1", 42));
  assert.equal(message.rsvp_id, 42);
  assert.deepEqual(Object.keys(message.event), ["event_id", "event_name", "event_url", "time"]);
  for (const part of ["member", "venue", "group", "response", "mtime"]) assert.ok(part in message, part);
});

test("a checksum knows order and loss", () => {
  assert.notEqual(checksum(["a", "b"]), checksum(["b", "a"]));
  assert.notEqual(checksum(["a", "b"]), checksum(["a"]));
  assert.notEqual(checksum(["ab"]), checksum(["a", "b"]));
});
