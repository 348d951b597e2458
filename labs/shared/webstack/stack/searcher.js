// The worker of the data stack: searches for a random word ten times a second and stores what it finds.
//
// All workers share one account and one lock. The worker that learns that the account's limit is used up takes the lock. As
// long as the lock exists, every worker exits as soon as it sees it.
import { Etcd, exitOnSet, ownAddress } from "./lib/etcd.js";
import { exitOnSignals, fail, log, seconds } from "./lib/program.js";
import { nameOf, readAccount, RefusedError, Search, searchUrl, STAND_IN } from "./lib/search.js";
import { keyAndValue } from "./lib/statuses.js";
import { openStore, storeAddresses } from "./lib/store.js";
import { repeat } from "./lib/wait.js";
import { randomWord } from "./lib/words.js";

const INTERVAL = 100; // milliseconds between two requests
const LOCK = "/config/worker/lock";
const AUTH = "/config/worker/auth";
const ANSWER = "/config/worker/answer"; // what the search says of the account: the lab's checks read it
const SEARCH = process.env.SEARCH || STAND_IN;
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
exitOnSet(etcd, AUTH, couchbase.index, { isSecret: true, orCreated: true });
if (!couchbase.values.length) fail("no store is announced under /services/couchbase");
const account = await readAuth();
const search = await openSearch();
const address = ownAddress();
const store = await openStore(couchbase.values, etcd);
log(`this is ${address}; the store: ${couchbase.values.join(", ")}; the search: ${search.url}, account ${nameOf(search.account)}`);
let isAccepted = false; // whether the search has accepted the account in this run

async function readAuth() {
  return (await etcd.read(AUTH)) ?? fail(`no account in ${AUTH}`);
}

async function openSearch() {
  const [announced] = (await etcd.values("/services/search")).values;
  try {
    return new Search(searchUrl(SEARCH, announced), parseAccount(account.value));
  } catch (error) {
    return fail(error.message);
  }
}

function parseAccount(text) {
  try {
    return readAccount(text);
  } catch (error) {
    throw new Error(`${AUTH}: no account: ${error.message}`);
  }
}

/** Searches for one word, stores what the search returns, and acknowledges that. */
async function searchOnce() {
  const word = randomWord();
  let found;
  try {
    found = await search.find(word);
  } catch (error) {
    if (error instanceof RefusedError) return stopAfter(error);
    // No answer is no refusal: the other workers may go on, so the lock is not taken.
    return fail(`the search does not answer: ${error.message}`);
  }
  if (!isAccepted) await noteAnswer();
  const { statuses, request } = found;
  try {
    await Promise.all(statuses.map((status) => store.put(...keyAndValue(status))));
  } catch (error) {
    return fail(`the store does not accept the statuses about ${word}: ${error.message}`);
  }
  log(`${word}: ${statuses.length}`);
  // If this fails, the answer does not count as stored.
  await search.acknowledge(request).catch((error) => log(`not acknowledged: ${error.message}`));
}

/**
 * Writes what the search said of the account. A check must not take the answer about an earlier account, or another search's,
 * for this one's: so both are part of it.
 */
async function noteAnswer(refused = null) {
  isAccepted = refused === null;
  if ((await etcd.read(AUTH))?.created !== account.created) return; // this run is about to end
  const answer = JSON.stringify({ account: account.created, search: SEARCH, refused });
  if ((await etcd.get(ANSWER)) !== answer) await etcd.set(ANSWER, answer);
}

/**
 * Ends the work. The other workers rest only when the account's limit is used up: any other refusal may be this moment's
 * alone. An account that is not accepted will not be the next time either, and a service may lock out who tries again and
 * again: so the worker waits until etcd has another account, and then exits.
 */
async function stopAfter({ kind, message }) {
  if (kind === "account") {
    log(`${message} (waiting for another one in ${AUTH})`);
    await noteAnswer(message);
    return new Promise(() => {});
  }
  if (kind !== "limit") return fail(message);
  if (!isAccepted) await noteAnswer(); // only an account that is accepted has a limit
  const isMine = await etcd.set(LOCK, address, { ttl: WINDOW, create: true });
  return fail(`${message}: ${isMine ? `lock taken for ${WINDOW} s` : "another worker has the lock"}`);
}

repeat(INTERVAL, async () => {
  await exitIfLocked();
  await searchOnce();
});
