// The search: stands in for an outside service that is asked for texts. It has the shapes and the limit of the service that
// the stack was built for, and a record of its own.
//
// GET /1.1/search/tweets.json?q=WORD   signed by OAuth; at most LIMIT requests in WINDOW seconds for each account
// POST /stored?request=N               acknowledges that the whole answer to request N is stored
// GET /record                          how many requests were served, refused at most in a window, and acknowledged
// GET /record?sample=N                 the same, with N of the acknowledged requests as [number, word]
// GET /account                         the four values of an account
import { createServer } from "node:http";
import { Etcd, ownAddress } from "../stack/lib/etcd.js";
import { Lock } from "../stack/lib/lock.js";
import { ForeignWriteError, OwnKey } from "../stack/lib/own-key.js";
import { exitOnSignals, fail, log, seconds } from "../stack/lib/program.js";
import { accountOf, signedBy } from "./lib/accounts.js";
import { countRequest } from "./lib/rate-limit.js";
import { Record } from "./lib/record.js";
import { sample } from "./lib/sample.js";
import { statuses } from "./lib/statuses.js";

const PORT = 8001;
const SEED = process.env.FEED_SEED || "1";
const LIMIT = Number(process.env.LIMIT || 180);
const WINDOW = seconds(process.env.WINDOW || "900s", "WINDOW");
const WINDOWS = "/search/windows";
const PATH = "/1.1/search/tweets.json";

exitOnSignals();
if (!(LIMIT > 0)) fail(`LIMIT=${process.env.LIMIT}: not a number of requests`);
const etcd = new Etcd();
const address = `${ownAddress()}:${PORT}`;
// The announcement is a lock: an old search that was frozen and comes back must neither answer nor write the record.
const announcement = new Lock(etcd, "/services/search/1", address);
await announcement.hold();
const record = await new Record(etcd, "/search/record").load();
const savedWindows = (await etcd.entries(WINDOWS)).entries;
const windows = new Map(savedWindows.map(({ key, value }) => [key.split("/").pop(), JSON.parse(value)])); // by account
const windowKeys = new Map(savedWindows.map(({ key, value }) => [key.split("/").pop(), new OwnKey(etcd, key, value)]));
let lastWrite = Promise.resolve(); // of a window; writes wait for each other: an older state must not be the last one written

const failure = (status, code, message, headers) => [status, { errors: [{ code, message }] }, headers];

/** Answers a search as [status, body, headers]. */
async function search(request, url) {
  announcement.require();
  const account = signedBy("GET", url.href, request.headers.authorization, (key) => accountOf(SEED, key));
  if (!account) return failure(401, 32, "Could not authenticate you.");
  const word = url.searchParams.get("q");
  if (!word || !/^[\w' -]{1,50}$/.test(word)) return failure(400, 25, "Query parameters are missing.");
  const { window, refused } = countRequest(windows.get(account), { now: Date.now(), limit: LIMIT, length: WINDOW * 1000 });
  windows.set(account, window);
  await saveWindow(account);
  const limits = {
    "x-rate-limit-limit": LIMIT,
    "x-rate-limit-remaining": LIMIT - window.served,
    "x-rate-limit-reset": Math.ceil(window.began / 1000) + WINDOW,
  };
  if (refused) return failure(429, 88, "Rate limit exceeded", limits);
  const n = await record.serve(word);
  const results = statuses(SEED, n, word);
  const metadata = { query: word, count: 15, max_id_str: results.at(-1).id_str };
  return [200, { statuses: results, search_metadata: metadata }, { ...limits, "x-lab-request": n }];
}

function saveWindow(account) {
  if (!windowKeys.has(account)) windowKeys.set(account, new OwnKey(etcd, `${WINDOWS}/${account}`, undefined));
  const save = () => windowKeys.get(account).write(JSON.stringify(windows.get(account)));
  lastWrite = lastWrite.catch(() => {}).then(save);
  return lastWrite;
}

function recordSummary(sampleSize) {
  const mostRefused = Math.max(0, ...[...windows.values()].map((window) => window.most));
  const acknowledged = record.acknowledged();
  return {
    seed: SEED,
    limit: LIMIT,
    window: WINDOW,
    served: record.served,
    most_refused: mostRefused,
    acknowledged: acknowledged.length,
    sample: sample(acknowledged, sampleSize),
  };
}

async function answer(request) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  switch (`${request.method} ${url.pathname}`) {
    case `GET ${PATH}`:
      return search(request, url);
    case "POST /stored":
      announcement.require();
      await record.acknowledge(Number(url.searchParams.get("request")));
      return [200, {}];
    case "GET /record":
      return [200, recordSummary(Number(url.searchParams.get("sample")))];
    case "GET /account":
      return [200, accountOf(SEED, "lab")];
    default:
      return failure(404, 34, "Sorry, that page does not exist.");
  }
}

/** A request that cannot be recorded is not served. */
function overCapacity(error) {
  log(error.message);
  if (error instanceof ForeignWriteError) fail("another search writes the record: exiting, to start again with it");
  return failure(503, 130, "Over capacity");
}

const server = createServer(async (request, response) => {
  request.resume();
  const [status, body, headers = {}] = await answer(request).catch(overCapacity);
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(`${JSON.stringify(body)}\n`);
});

server.listen(PORT, () => log(`the search listens on ${address}; ${LIMIT} requests in ${WINDOW} s; served so far: ${record.served}`));
