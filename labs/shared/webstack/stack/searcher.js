// The worker of the data stack: searches for a random word ten times a second and stores what it finds.
//
// All workers share one account and one lock. The worker that learns that the account's limit is used up takes the lock. As
// long as the lock exists, every worker exits as soon as it sees it.
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { authorization } from "./lib/oauth.js";
import { exitOnSignals, fail, log, seconds } from "./lib/program.js";
import { readRefusal } from "./lib/search-errors.js";
import { keyAndValue } from "./lib/statuses.js";
import { openStore, storeAddresses } from "./lib/store.js";
import { repeat } from "./lib/wait.js";
import { randomWord } from "./lib/words.js";

const INTERVAL = 100; // milliseconds between two requests
const PATIENCE = 3000; // milliseconds for an answer
const LOCK = "/config/worker/lock";
const AUTH = "/config/worker/auth";
const WINDOW = seconds(process.env.WINDOW || "900s", "WINDOW"); // the lock's TTL: the time until the search's limit is reset

exitOnSignals();
const etcd = new Etcd();

async function exitIfLocked() {
  const holder = await etcd.get(LOCK);
  if (holder === undefined) return;
  log(`lock engaged, by ${holder}`);
  process.exit(0);
}

await exitIfLocked();
const couchbase = await storeAddresses(etcd);
exitOnSet(etcd, "/services/couchbase", couchbase.index);
if (!couchbase.values.length) fail("no store is announced under /services/couchbase");
const [search] = (await etcd.values("/services/search")).values;
if (!search) fail("no search is announced under /services/search");
const account = JSON.parse((await etcd.get(AUTH)) ?? fail(`no account in ${AUTH}`));
const address = ownAddress();
const store = await openStore(couchbase.values, etcd);
log(`this is ${address}; the store: ${couchbase.values.join(", ")}; the search: ${search}`);

/** Searches for one word, stores what the search returns, and acknowledges that. */
async function searchOnce() {
  const word = randomWord();
  const url = `http://${search}/1.1/search/tweets.json?q=${encodeURIComponent(word)}`;
  const headers = { authorization: authorization("GET", url, account) };
  let answer;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    // No answer is no refusal: the other workers may go on, so the lock is not taken.
    fail(`the search does not answer: ${error.message}`);
  }
  if (!answer.ok) await stopAfter(readRefusal(answer.status, await answer.text()));
  const { statuses } = await answer.json();
  try {
    await Promise.all(statuses.map((status) => store.put(...keyAndValue(status))));
  } catch (error) {
    fail(`the store does not accept the statuses about ${word}: ${error.message}`);
  }
  log(`${word}: ${statuses.length}`);
  await acknowledge(answer.headers.get("x-lab-request"));
}

/** Exits. The other workers rest only when the account's limit is used up: any other refusal may be this moment's alone. */
async function stopAfter({ isLimit, reason }) {
  if (!isLimit) fail(`the search says ${reason}`);
  const isMine = await etcd.set(LOCK, address, { ttl: WINDOW, create: true });
  fail(`the search says ${reason}: ${isMine ? `lock taken for ${WINDOW} s` : "another worker has the lock"}`);
}

/** Tells the search that its whole answer is stored. If that fails, the answer does not count as stored. */
async function acknowledge(request) {
  try {
    const url = `http://${search}/stored?request=${request}`;
    const answer = await fetch(url, { method: "POST", signal: AbortSignal.timeout(PATIENCE) });
    await answer.text();
  } catch (error) {
    log(`not acknowledged: ${error.message}`);
  }
}

repeat(INTERVAL, async () => {
  await exitIfLocked();
  await searchOnce();
});
