// The search: answers in the shapes of the one that the stack was built for, with its limit, and a record of its own.
//
// GET /1.1/search/tweets.json?q=WORD   signed with OAuth; at most LIMIT requests in WINDOW seconds for each account
// POST /stored?request=N               the answer to request N is stored, all of it
// GET /record                          what was served, and what of it was acknowledged as stored
// GET /account                         the four values of an account
import { createServer } from "node:http";
import { Etcd, ownAddress } from "./lib/etcd.js";
import { accountOf, signedBy } from "./lib/oauth.js";
import { endOnTerm, fail, log, seconds } from "./lib/program.js";
import { Record } from "./lib/record.js";
import { statuses } from "./lib/statuses.js";
import { counted } from "./lib/window.js";

const PORT = 8001;
const SEED = process.env.FEED_SEED || "1";
const LIMIT = Number(process.env.LIMIT || 180);
const WINDOW = seconds(process.env.WINDOW || "900s", "WINDOW");
const WINDOWS = "/search/windows";
const PATH = "/1.1/search/tweets.json";

endOnTerm();
if (!(LIMIT > 0)) fail(`LIMIT=${process.env.LIMIT}: not a number of requests`);
const etcd = new Etcd();
const record = await new Record(etcd, "/search/record").load();
const windows = new Map((await etcd.entries(WINDOWS)).entries.map(({ key, value }) => [key.split("/").pop(), JSON.parse(value)]));
let windowsWritten = Promise.resolve(); // one after the other: an older state must not come last

async function search(request, url) {
  const key = signedBy("GET", url.href, request.headers.authorization, (name) => accountOf(SEED, name));
  if (!key) return [401, { errors: [{ code: 32, message: "Could not authenticate you." }] }];
  const word = url.searchParams.get("q");
  if (!word || !/^[\w' -]{1,50}$/.test(word)) return [400, { errors: [{ code: 25, message: "Query parameters are missing." }] }];
  const { window, refused } = counted(windows.get(key), { now: Date.now(), limit: LIMIT, length: WINDOW * 1000 });
  windows.set(key, window);
  windowsWritten = windowsWritten.catch(() => {}).then(() => etcd.set(`${WINDOWS}/${key}`, JSON.stringify(windows.get(key))));
  await windowsWritten;
  const limits = {
    "x-rate-limit-limit": LIMIT,
    "x-rate-limit-remaining": LIMIT - window.served,
    "x-rate-limit-reset": Math.ceil(window.began / 1000) + WINDOW,
  };
  if (refused) return [429, { errors: [{ code: 88, message: "Rate limit exceeded" }] }, limits];
  const n = await record.serve(word);
  const found = statuses(SEED, n, word);
  const about = { query: word, count: 15, max_id_str: found.at(-1).id_str };
  return [200, { statuses: found, search_metadata: about }, { ...limits, "x-lab-request": n }];
}

async function answer(request) {
  const url = new URL(request.url, `http://${request.headers.host}`);
  switch (`${request.method} ${url.pathname}`) {
    case `GET ${PATH}`:
      return search(request, url);
    case "POST /stored":
      await record.acknowledge(Number(url.searchParams.get("request")));
      return [200, {}];
    case "GET /record": {
      const most = Math.max(0, ...[...windows.values()].map((window) => window.most));
      const told = { seed: SEED, limit: LIMIT, window: WINDOW, served: record.served, most_refused: most };
      return [200, { ...told, acknowledged: record.acknowledged() }];
    }
    case "GET /account":
      return [200, accountOf(SEED, "lab")];
    default:
      return [404, { errors: [{ code: 34, message: "Sorry, that page does not exist." }] }];
  }
}

const server = createServer((request, response) => {
  request.resume();
  answer(request)
    // What cannot be written down is not served.
    .catch((error) => (log(error.message), [503, { errors: [{ code: 130, message: "Over capacity" }] }]))
    .then(([status, body, headers = {}]) => {
      response.writeHead(status, { "content-type": "application/json", ...headers }).end(`${JSON.stringify(body)}\n`);
    });
});

const announce = () =>
  etcd.set("/services/search/1", `${ownAddress()}:${PORT}`, { ttl: 8 }).catch((error) => log(error.message));
setInterval(announce, 3000);
server.listen(PORT, () => {
  log(`the search listens on ${ownAddress()}:${PORT}; ${LIMIT} requests in ${WINDOW} s; served so far: ${record.served}`);
  announce();
});
