// The worker of the data stack: searches for a random word ten times a second and stores what it is answered. All workers
// share one account and one lock: who is refused takes it, and until it runs out each ends as soon as it has seen it.
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { authorization } from "./lib/oauth.js";
import { endOnTerm, fail, log, seconds } from "./lib/program.js";
import { stored } from "./lib/statuses.js";
import { openStore, storeAddresses } from "./lib/store.js";
import { randomWord } from "./lib/words.js";

const EVERY = 100; // milliseconds between two requests
const PATIENCE = 3000; // milliseconds for an answer
const LOCK = "/config/worker/lock";
const AUTH = "/config/worker/auth";
const WINDOW = seconds(process.env.WINDOW || "900s", "WINDOW"); // for so long the lock holds, as the limit does

endOnTerm();
const etcd = new Etcd();

async function endIfLocked() {
  const holder = await etcd.get(LOCK);
  if (holder === undefined) return;
  log(`lock engaged, by ${holder}`);
  process.exit(0);
}

await endIfLocked();
const couchbase = await storeAddresses(etcd);
exitOnSet(etcd, "/services/couchbase", couchbase.index, log);
if (!couchbase.values.length) fail("no store is announced under /services/couchbase");
const [search] = (await etcd.values("/services/search")).values;
if (!search) fail("no search is announced under /services/search");
const account = JSON.parse((await etcd.get(AUTH)) ?? fail(`no account in ${AUTH}`));
const address = ownAddress();
const store = await openStore(couchbase.values);
log(`this is ${address}; the store: ${couchbase.values.join(", ")}; the search: ${search}`);

async function once() {
  const word = randomWord();
  const url = `http://${search}/1.1/search/tweets.json?q=${encodeURIComponent(word)}`;
  const headers = { authorization: authorization("GET", url, account) };
  let answer;
  try {
    answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
  } catch (error) {
    // Nobody has refused us: no reason for all to stop.
    fail(`the search does not answer: ${error.message}`);
  }
  const body = await answer.json();
  if (!answer.ok) {
    const { code, message } = body.errors[0];
    const taken = await etcd.set(LOCK, address, { ttl: WINDOW, create: true });
    fail(`the search says ${code} ${message}: ${taken ? `lock taken for ${WINDOW} s` : "another worker has the lock"}`);
  }
  try {
    await Promise.all(body.statuses.map((status) => store.put(...stored(status))));
  } catch (error) {
    fail(`the store does not take what was found for ${word}: ${error.message}`);
  }
  log(`${word}: ${body.statuses.length}`);
  const n = answer.headers.get("x-lab-request");
  // Not told is not acknowledged: nobody counts on it then.
  await fetch(`http://${search}/stored?request=${n}`, { method: "POST", signal: AbortSignal.timeout(PATIENCE) })
    .then((done) => done.text())
    .catch((error) => log(`not acknowledged: ${error.message}`));
}

for (;;) {
  const began = Date.now();
  await endIfLocked();
  await once();
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + EVERY - Date.now())));
}
