import assert from "node:assert/strict";
import test from "node:test";
import { accountOf, authorization, signedBy } from "../lib/oauth.js";
import { Record } from "../lib/record.js";
import { statuses, stored } from "../lib/statuses.js";
import { counted } from "../lib/window.js";

const URL_ = "http://10.1.2.3:8001/1.1/search/tweets.json?q=ice%20cream";
const accounts = (key) => accountOf("1", key);

test("a signature is that of RFC 5849", () => {
  // The published example of a signed status update, as far as it has no body: made of the same fields.
  const account = { consumer_key: "k", consumer_secret: "s", access_token_key: "t", access_token_secret: "u" };
  const header = authorization("GET", "http://a.example/p?b=2&a=1", account, { nonce: "n", now: 1000_000 });
  assert.match(header, /^OAuth oauth_consumer_key="k", oauth_nonce="n", oauth_signature_method="HMAC-SHA1"/);
  assert.match(header, /oauth_timestamp="1000", oauth_token="t", oauth_version="1.0", oauth_signature="[^"]+%3D"$/);
});

test("who signs as his account would is known, who does not is nobody", () => {
  const header = authorization("GET", URL_, accounts("lab"));
  assert.equal(signedBy("GET", URL_, header, accounts), "lab");
  assert.equal(signedBy("GET", URL_.replace("ice", "hot"), header, accounts), undefined);
  assert.equal(signedBy("GET", URL_, header.replace(/oauth_token="./, 'oauth_token="x'), accounts), undefined);
  assert.equal(signedBy("GET", URL_, authorization("GET", URL_, { ...accounts("lab"), consumer_secret: "x" }), accounts), undefined);
  assert.equal(signedBy("GET", URL_, "Basic bGFi", accounts), undefined);
  assert.equal(signedBy("GET", URL_, undefined, accounts), undefined);
});

test("an answer follows from seed, number and word", () => {
  const found = statuses("1", 7, "river");
  assert.deepEqual(found, statuses("1", 7, "river"));
  assert.ok(found.length >= 1 && found.length <= 15);
  assert.ok(found.every(({ text, id, id_str }) => text.includes("river") && String(id) === id_str && Number.isSafeInteger(id)));
  const ids = [1, 2, 3].flatMap((n) => statuses("1", n, "x").map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(stored(found[0]), [found[0].id, JSON.stringify({ event_name: found[0].text })]);
});

test("a window lets its limit pass, refuses the rest, and begins anew with the next request after its end", () => {
  let window;
  const told = [];
  for (const now of [0, 10, 20, 30, 1000, 1010]) {
    const step = counted(window, { now, limit: 2, length: 1000 });
    window = step.window;
    told.push(step.refused);
  }
  assert.deepEqual(told, [false, false, true, true, false, false]);
  assert.deepEqual(window, { began: 1000, served: 2, refused: 0, most: 2 });
});

test("a record outlives its keeper, a hundred requests in a key", async () => {
  const keys = new Map();
  const etcd = {
    set: async (key, value) => keys.set(key, value),
    entries: async () => ({ entries: [...keys].map(([key, value]) => ({ key, value })) }),
  };
  const record = new Record(etcd, "/r");
  const numbers = Array.from({ length: 150 }, (_, index) => index + 1);
  assert.deepEqual(await Promise.all(numbers.map((n) => record.serve(`w${n}`))), numbers);
  await record.acknowledge(101);
  await record.acknowledge(101);
  await record.acknowledge(999);
  const again = await new Record(etcd, "/r").load();
  assert.deepEqual([...keys.keys()], ["/r/000000", "/r/000001"]);
  assert.equal(again.served, 150);
  assert.deepEqual(again.acknowledged(), [[101, "w101"]]);
});
