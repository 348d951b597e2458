import assert from "node:assert/strict";
import { test } from "node:test";
import { applied } from "../page/patch.js";

test("a patch adds, replaces, removes, and keeps what it does not name", () => {
  const before = { a: 1, b: { c: 2, d: [1, 2] }, e: { f: 1 } };
  const after = applied(before, { a: null, b: { d: [3], g: { h: 1 } } });
  assert.deepEqual(after, { b: { c: 2, d: [3], g: { h: 1 } }, e: { f: 1 } });
  assert.equal(after.e, before.e, "the same object: what shows it need not be drawn anew");
  assert.deepEqual(before, { a: 1, b: { c: 2, d: [1, 2] }, e: { f: 1 } });
});

test("an object takes the place of another value", () => {
  assert.deepEqual(applied({ a: 1 }, { a: { b: 1, c: null } }), { a: { b: 1 } });
  assert.deepEqual(applied({ a: { b: 1 } }, { a: [] }), { a: [] });
});
