// The conductor: joins the announced members into one store, and repairs it when members come and go.
//
// It keeps no state of its own. After every change, and from time to time, it asks etcd for the announced members and the
// members for the store's state, and takes the one step that is needed next. So it can be killed at any moment, and the
// next conductor carries on.
import { CONDUCTORS } from "./lib/conductors.js";
import { Etcd, ownAddress } from "./lib/etcd.js";
import { Lock } from "./lib/lock.js";
import { ChangeLog, exit, exitOnSignals, fail, log, seconds } from "./lib/program.js";
import { CONFIG, exitCodeAfter, readConfig, writeDefaults } from "./lib/store-config.js";
import { ChangeSignal, pause } from "./lib/wait.js";

const SERVICES = "/services/couchbase";
const LOCK = "/services/conductor";
const QUIET = 1000; // milliseconds without a further change before the conductor acts on a change
const LOOK_AGAIN = 5000; // milliseconds between two observations of the store when nothing changes
const RETRY = 500; // milliseconds before a step that was not possible is tried again
// The store's own failover is for the time when no conductor runs. It takes longer than an announcement lives, so a
// conductor acts first.
const FAILOVER = seconds(process.env.FAILOVER || "30s", "FAILOVER");
const KIND = process.env.STORE || "redis";

exitOnSignals();
const Conductor = CONDUCTORS[KIND] ?? fail(`STORE=${KIND}: no such store; choose from: ${Object.keys(CONDUCTORS).join(", ")}`);
const etcd = new Etcd();
const lock = new Lock(etcd, LOCK, `${ownAddress()}-${process.pid}-${Date.now()}`);
await lock.hold();
const { members, index } = await announcedMembers();
if (!members.length) await fail("no member of the store is announced");
log(`members: ${members.map(({ address }) => address).join(", ")}; this conductor has the lock`);
const conductor = await newConductor();
const change = watchMembers(index);
await conduct();

/** A conductor with the configuration in etcd. When that changes, the program exits, to start again with it. */
async function newConductor() {
  for (const key of await writeDefaults(etcd)) log(`${key}: missing, set to the default`);
  const { config, index: configIndex } = await readConfig(etcd);
  const unused = Conductor.unusedSettings.map((name) => `${CONFIG}/${name}`);
  if (unused.length) log(`${KIND} ignores ${unused.join(" and ")}`);
  etcd.watch(CONFIG, configIndex, (action, node) => {
    const code = exitCodeAfter(action);
    if (code === undefined) return;
    log(`${node.key ?? CONFIG}: ${code ? "the configuration was deleted" : "set: exiting, to start again with it"}`);
    exit(code);
    return false;
  });
  return new Conductor({ ...config, failover: FAILOVER * 1000 });
}

/** The announced members, and etcd's index at that moment. */
async function announcedMembers() {
  const { entries, index } = await etcd.entries(SERVICES);
  return { members: entries.map(({ key, value }) => ({ name: key.split("/").pop(), address: value })), index };
}

/** A signal that is raised whenever a member appears, disappears or changes its address. */
function watchMembers(index) {
  const change = new ChangeSignal();
  etcd.watch(SERVICES, index, (action, node) => {
    if (action === "update") return; // a renewed announcement: nothing has changed
    log(`${node.key ?? SERVICES}: ${action} ${node.value ?? ""}`);
    change.notify();
  });
  return change;
}

/** Takes one step after the other, for ever. */
async function conduct() {
  const state = new ChangeLog();
  let lastMessage = "";
  for (;;) {
    let decision;
    try {
      decision = conductor.decide(await conductor.observe((await announcedMembers()).members));
      if (decision?.action) {
        lock.require();
        log(decision.message);
        await conductor.act(decision, () => lock.require());
        state.reset();
      }
    } catch (error) {
      state.log(`${decision?.action ?? "observing the store"}: ${error.message}`);
      await pause(RETRY);
      continue;
    }
    if (decision?.action) {
      if (decision.message === lastMessage) await pause(RETRY); // its effect does not show yet
      lastMessage = decision.message;
    } else if (decision?.wait) {
      state.log(decision.wait);
      await pause(RETRY);
    } else {
      state.log(decision?.lost ? `${decision.lost} slots are lost with their machines: they had no complete copy` : "the store is complete");
      await change.settled({ quiet: QUIET, limit: LOOK_AGAIN });
    }
  }
}
