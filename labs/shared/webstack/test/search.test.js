import assert from "node:assert/strict";
import test from "node:test";
import { authorization } from "../stack/lib/oauth.js";
import { ForeignWriteError } from "../stack/lib/own-key.js";
import { readRefusal } from "../stack/lib/search-errors.js";
import { keyAndValue } from "../stack/lib/statuses.js";
import { accountOf, signedBy } from "../stand-ins/lib/accounts.js";
import { countRequest } from "../stand-ins/lib/rate-limit.js";
import { Record } from "../stand-ins/lib/record.js";
import { sample } from "../stand-ins/lib/sample.js";
import { statuses } from "../stand-ins/lib/statuses.js";
import { etcdServer } from "./lib/etcd-server.js";

const URL_ = "http://10.1.2.3:8001/1.1/search/tweets.json?q=ice%20cream";
const accounts = (key) => accountOf("1", key);

test("a signature is that of RFC 5849", () => {
  const account = { consumer_key: "k", consumer_secret: "s", access_token_key: "t", access_token_secret: "u" };
  const header = authorization("GET", "http://a.example/p?b=2&a=1", account, { nonce: "n", now: 1000_000 });
  assert.match(header, /^OAuth oauth_consumer_key="k", oauth_nonce="n", oauth_signature_method="HMAC-SHA1"/);
  assert.match(header, /oauth_timestamp="1000", oauth_token="t", oauth_version="1.0", oauth_signature="[^"]+%3D"$/);
});

test("a request belongs to the account that has signed it, and to none when anything was changed", () => {
  const header = authorization("GET", URL_, accounts("lab"));
  assert.equal(signedBy("GET", URL_, header, accounts), "lab");
  assert.equal(signedBy("GET", URL_.replace("ice", "hot"), header, accounts), undefined);
  assert.equal(signedBy("GET", URL_, header.replace(/oauth_token="./, 'oauth_token="x'), accounts), undefined);
  assert.equal(signedBy("GET", URL_, authorization("GET", URL_, { ...accounts("lab"), consumer_secret: "x" }), accounts), undefined);
  assert.equal(signedBy("GET", URL_, "Basic bGFi", accounts), undefined);
  assert.equal(signedBy("GET", URL_, undefined, accounts), undefined);
});

test("an answer is generated from the seed, the number and the word alone", () => {
  const results = statuses("1", 7, "river");
  assert.deepEqual(results, statuses("1", 7, "river"));
  assert.ok(results.length >= 1 && results.length <= 15);
  assert.ok(results.every(({ text, id, id_str }) => text.includes("river") && String(id) === id_str && Number.isSafeInteger(id)));
  const ids = [1, 2, 3].flatMap((n) => statuses("1", n, "x").map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(keyAndValue(results[0]), [results[0].id, JSON.stringify({ event_name: results[0].text })]);
});

test("a window serves its limit and refuses the rest; the next request after its end begins a new one", () => {
  let window;
  const refusals = [];
  for (const now of [0, 10, 20, 30, 1000, 1010]) {
    const step = countRequest(window, { now, limit: 2, length: 1000 });
    window = step.window;
    refusals.push(step.refused);
  }
  assert.deepEqual(refusals, [false, false, true, true, false, false]);
  assert.deepEqual(window, { began: 1000, served: 2, refused: 0, most: 2 });
});

test("only code 88 says that the account's limit is used up", () => {
  const body = (code, message) => JSON.stringify({ errors: [{ code, message }] });
  assert.deepEqual(readRefusal(429, body(88, "Rate limit exceeded")), { isLimit: true, reason: "88 Rate limit exceeded" });
  assert.deepEqual(readRefusal(503, body(130, "Over capacity")), { isLimit: false, reason: "130 Over capacity" });
  assert.deepEqual(readRefusal(401, body(32, "Could not authenticate you.")).isLimit, false);
  assert.deepEqual(readRefusal(503, "<html>Service Unavailable</html>\n"), {
    isLimit: false,
    reason: "HTTP 503: <html>Service Unavailable</html>",
  });
  assert.deepEqual(readRefusal(500, '{"errors": []}').isLimit, false);
});

test("a sample has a limit however long the list is: the newest, and others spread over the rest", () => {
  const list = Array.from({ length: 100_000 }, (_, index) => index);
  const some = sample(list, 2000);
  assert.equal(some.length, 2000);
  assert.deepEqual(some.slice(1000), list.slice(-1000));
  assert.deepEqual(some, [...new Set(some)].sort((a, b) => a - b));
  assert.ok(Math.max(...some.slice(1, 1000).map((n, index) => n - some[index])) <= 100);
  assert.notDeepEqual(sample(list, 2000, () => 0.1), sample(list, 2000, () => 0.9));
  assert.deepEqual([sample([1, 2], 2000), sample(list, 0), sample(list, Number.NaN)], [[1, 2], [], []]);
});

test("a record survives its program, with a hundred requests in each key", async (t) => {
  const { etcd, keys } = await etcdServer(t);
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

test("an old search that comes back cannot write over the record of the new one", async (t) => {
  const { etcd, keys } = await etcdServer(t);
  const first = await new Record(etcd, "/r").load();
  await first.serve("river");
  const second = await new Record(etcd, "/r").load();
  await second.serve("ocean");
  await assert.rejects(first.acknowledge(1), ForeignWriteError);
  await assert.rejects(first.serve("winter"), ForeignWriteError);
  assert.equal(keys.get("/r/000000"), '["river","ocean"]');
});
