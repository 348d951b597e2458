import assert from "node:assert/strict";
import test from "node:test";
import { checksum } from "../stand-ins/lib/checksum.js";
import { eventText } from "../stand-ins/lib/events.js";

test("an event is generated from the seed and its number alone", () => {
  assert.equal(eventText("1", 7), eventText("1", 7));
  assert.notEqual(eventText("1", 7), eventText("2", 7));
  assert.notEqual(eventText("1", 7), eventText("1", 8));
});

test("an event has the shape of the real feed's events", () => {
  const message = JSON.parse(eventText("1", 42));
  assert.equal(message.rsvp_id, 42);
  assert.deepEqual(Object.keys(message.event), ["event_id", "event_name", "event_url", "time"]);
  for (const part of ["member", "venue", "group", "response", "mtime"]) assert.ok(part in message, part);
});

test("a checksum changes with the order, the number and the borders of the texts", () => {
  assert.notEqual(checksum(["a", "b"]), checksum(["b", "a"]));
  assert.notEqual(checksum(["a", "b"]), checksum(["a"]));
  assert.notEqual(checksum(["ab"]), checksum(["a", "b"]));
});
