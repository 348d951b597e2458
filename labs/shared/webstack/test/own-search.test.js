// A search outside: a server with accounts of its own, in place of the stand-in.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { nameOf, readAccount, RefusedError, Search, searchUrl, STAND_IN } from "../stack/lib/search.js";
import { accountOf, signedBy } from "../stand-ins/lib/accounts.js";
import { statuses } from "../stand-ins/lib/statuses.js";

const SEED = "another";
const OURS = accountOf(SEED, "mine-1234");

/** Starts a search that knows the accounts of SEED alone; `answer` may answer in its place. Returns its URL and its requests. */
async function outside(t, answer = () => undefined) {
  const requests = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, `http://${request.headers.host}`);
    requests.push(`${request.method} ${url.pathname}`);
    const isOurs = signedBy("GET", url.href, request.headers.authorization, (key) => accountOf(SEED, key)) === "mine-1234";
    const found = { statuses: statuses(SEED, 1, url.searchParams.get("q")) };
    const [status, body, headers = {}] =
      answer(url) ?? (isOurs ? [200, found] : [401, { errors: [{ code: 32, message: "Could not authenticate you." }] }]);
    response.writeHead(status, headers).end(JSON.stringify(body));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close(server.closeAllConnections()));
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

const refusal = (kind, message) => (error) => {
  assert.ok(error instanceof RefusedError, error);
  assert.equal(error.kind, kind);
  assert.match(error.message, message);
  return true;
};

test("the search is the stand-in that is announced, or the one that was set", () => {
  assert.equal(searchUrl(STAND_IN, "10.1.2.3:8001"), "http://10.1.2.3:8001/1.1/search/tweets.json");
  assert.equal(searchUrl("https://api.example.org", "10.1.2.3:8001"), "https://api.example.org/1.1/search/tweets.json");
  assert.equal(searchUrl("https://api.example.org/2/find", undefined), "https://api.example.org/2/find");
  assert.throws(() => searchUrl(STAND_IN, undefined), /no search is announced/);
  for (const wrong of ["api.example.org", "ftp://api.example.org", "api:443"]) assert.throws(() => searchUrl(wrong), /SEARCH=.*neither/);
});

test("an own account searches another search, which is told of nothing", async (t) => {
  const { url, requests } = await outside(t);
  const search = new Search(searchUrl(url), readAccount(JSON.stringify(OURS)));
  const found = await search.find("ice cream");
  assert.ok(found.statuses.every(({ text }) => text.includes("ice cream")));
  assert.equal(found.request, null);
  await search.acknowledge(found.request);
  assert.deepEqual(requests, ["GET /1.1/search/tweets.json"]);
});

test("an answer with a number is acknowledged where it came from", async (t) => {
  const { url, requests } = await outside(t, () => [200, { statuses: [] }, { "x-lab-request": "7" }]);
  const search = new Search(searchUrl(url), OURS);
  await search.acknowledge((await search.find("river")).request);
  assert.equal(requests[1], "POST /stored");
});

test("an account that is not accepted is named, without its secrets", async (t) => {
  const { url } = await outside(t);
  for (const wrong of [accountOf("1", "lab"), { ...OURS, access_token_secret: "typed wrong" }]) {
    const find = new Search(searchUrl(url), wrong).find("river");
    const reason = /^the search at 127\.0\.0\.1:\d+ does not accept the account (lab|min)\.\.\.: 32 Could not authenticate you\.$/;
    await assert.rejects(find, refusal("account", reason));
  }
});

test("other refusals say nothing of the account", async (t) => {
  const errors = (status, code, message) => () => [status, { errors: [{ code, message }] }];
  for (const [answer, kind, message] of [
    [errors(429, 88, "Rate limit exceeded"), "limit", /88 Rate limit/],
    [errors(503, 130, "Over capacity"), "other", /130 Over capacity/],
    [errors(404, 34, "Sorry, that page does not exist."), "other", /34 Sorry/],
  ]) {
    const { url } = await outside(t, answer);
    await assert.rejects(new Search(searchUrl(url), OURS).find("river"), refusal(kind, message));
  }
});

test("a text that is no account says what is missing, and shows nothing of it", () => {
  assert.deepEqual(readAccount(JSON.stringify(OURS)), OURS);
  assert.equal(nameOf(OURS), "min...");
  const { access_token_key, ...rest } = OURS;
  for (const [text, missing] of [
    ["hush", /^not JSON$/],
    ["null", /^without consumer_key, consumer_secret, access_token_key, access_token_secret$/],
    [JSON.stringify(rest), /^without access_token_key$/],
    [JSON.stringify({ ...OURS, consumer_secret: "" }), /^without consumer_secret$/],
  ]) {
    assert.throws(() => readAccount(text), (error) => missing.test(error.message) && !error.message.includes("hush"));
  }
});
