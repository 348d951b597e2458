// The conductor: makes one store of the members that announce themselves, and keeps it one when they come and go.
//
// It knows nothing by heart. Whenever something has changed, and from time to time, it looks at what is announced and at
// what the store says of itself, and does what is missing, one step at a time. It may die at any moment.
import * as couchbase from "./lib/conduct-couchbase.js";
import * as redis from "./lib/conduct-redis.js";
import { Etcd, ownAddress } from "./lib/etcd.js";
import { endOnTerm, fail, log, seconds } from "./lib/program.js";

const SERVICES = "/services/couchbase";
const CONFIG = "/config/couchbase";
const LOCK = "/services/conductor";
const DEFAULTS = { password: "Password1", nodes: "3", bucket: "default", ram: "500" };
const HELD = 8; // seconds that the lock outlives its holder
const SETTLE = 1000; // milliseconds: what changes together is looked at together
const LOOK = 5000; // milliseconds between two looks when nothing has changed
const AGAIN = 500; // milliseconds before a step that was not possible is tried again
// The store's own failover: longer than an announcement lives, so that we act first. It is for when we are lost, too.
const FAILOVER = seconds(process.env.FAILOVER || "30s", "FAILOVER");

endOnTerm();
const store = { redis, couchbase }[process.env.STORE || "redis"] ?? fail(`STORE=${process.env.STORE}: there is: redis, couchbase`);
const etcd = new Etcd();
const me = `${ownAddress()}-${process.pid}-${Date.now()}`;
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Only one conducts: waits for the lock, and holds it from then on. */
async function takeLock() {
  let told = false;
  while (!(await etcd.set(LOCK, me, { ttl: HELD, create: true }))) {
    if (!told) log(`another conductor is at work: ${await etcd.get(LOCK)}`);
    told = true;
    await pause(AGAIN);
  }
  let held = Date.now();
  setInterval(async () => {
    try {
      if (!(await etcd.set(LOCK, me, { ttl: HELD, instead: me }))) fail("another conductor has the lock");
      held = Date.now();
    } catch (error) {
      if (Date.now() - held > HELD * 1000) fail(`the lock cannot be held: ${error.message}`);
    }
  }, (HELD * 1000) / 4);
}

async function readConfig() {
  const found = {};
  for (const [name, value] of Object.entries(DEFAULTS)) {
    const key = `${CONFIG}/${name}`;
    if (await etcd.set(key, value, { create: true })) log(`${key}: not there, set to the default`);
    found[name] = await etcd.get(key);
  }
  if (!(Number(found.nodes) > 0)) fail(`${CONFIG}/nodes: ${found.nodes} is no number of members`);
  const { password, bucket } = found;
  return { password, bucket, shards: Number(found.nodes), ram: Number(found.ram), failover: FAILOVER * 1000 };
}

async function announced() {
  const { entries, index } = await etcd.entries(SERVICES);
  return { members: entries.map(({ key, value }) => ({ name: key.split("/").pop(), address: value })), index };
}

await takeLock();
const config = await readConfig();
const { members, index } = await announced();
if (!members.length) fail("no member of the store is announced");
log(`members: ${members.map(({ address }) => address).join(", ")}; the lock is ours`);

let changed = () => {};
let news = false;
etcd.watch(SERVICES, index, (action, node) => {
  if (action === "update") return; // all is as it was
  log(`${node.key ?? SERVICES}: ${action} ${node.value ?? ""}`);
  news = true;
  changed();
});
etcd.watch(CONFIG, index, (action, node) => {
  if (!["delete", "expire"].includes(action)) return;
  log(`${node.key}: the configuration was deleted`);
  process.exit(5);
});

/** Returns when something has changed and come to rest, or after a while. */
async function untilChanged() {
  if (!news) await Promise.race([new Promise((resolve) => (changed = resolve)), pause(LOOK)]);
  while (news) {
    news = false;
    await pause(SETTLE);
  }
}

let did = "";
let said = "";
function say(text) {
  if (text !== said) log(text);
  said = text;
}

for (;;) {
  let step;
  try {
    step = store.decide(await store.observe((await announced()).members, config), config);
    if (step?.act) {
      log(step.say);
      await store.act(step);
      said = "";
    }
  } catch (error) {
    log(`${step?.act ?? "looking"}: ${error.message}`);
    await pause(AGAIN);
    continue;
  }
  if (step?.act) {
    if (step.say === did) await pause(AGAIN); // it does not show yet
    did = step.say;
    continue;
  }
  if (step?.wait) {
    say(step.wait);
    await pause(AGAIN);
    continue;
  }
  say(step?.lost ? `${step.lost} slots were on machines that are gone, and have no copy` : "all is as it should be");
  await untilChanged();
}
