// How a Redis Cluster is conducted: what is seen of it, what is to be done next, and doing that.
//
// Each member runs three Redis: as long as there are two members, that is enough for three shards and a copy of each on
// another machine, without moving a shard's data into another. What is to be done follows from what is seen alone, so it
// does not matter where a conductor before this one was stopped.
import { parseNodes } from "./conduct-redis-plan.js";
import { PORTS, asking, fields } from "./store-redis.js";

export { decide } from "./conduct-redis-plan.js";

const PATIENCE = 1500; // milliseconds for a member of the same network
const SYNCED = 20_000; // milliseconds for a copy to be taken
const HANDED_OVER = 10_000; // milliseconds: Redis itself gives up after five seconds
const AGAIN = 200;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Returns when it is so, or when `milliseconds` have passed: what is seen next decides then. */
async function waitFor(so, milliseconds) {
  const end = Date.now() + milliseconds;
  while (Date.now() < end && !(await so())) await pause(AGAIN);
}

const split = (place) => [place.slice(0, place.lastIndexOf(":")), Number(place.split(":").pop())];

async function look(place, member) {
  const [host, port] = split(place);
  return asking(host, port, async (redis) => {
    const [id, nodes, replication, keys, timeout] = await Promise.all([
      redis.call("CLUSTER", "MYID"),
      redis.call("CLUSTER", "NODES"),
      redis.info("replication"),
      redis.dbsize(),
      redis.config("GET", "cluster-node-timeout"),
    ]);
    const told = fields(replication);
    return {
      place,
      member,
      id,
      nodes: parseNodes(nodes),
      keys,
      timeout: Number(timeout[1]),
      replica: told.role === "slave",
      offset: Number(told.slave_repl_offset ?? told.master_repl_offset ?? 0),
      // A copy that is being taken, or whose source is away, is not known to be whole.
      synced: told.role === "slave" && told.master_link_status === "up" && told.master_sync_in_progress === "0",
    };
  }, PATIENCE);
}

/** What every Redis of the registered members says; `silent` are those that do not answer. */
export async function observe(members) {
  const places = members.flatMap(({ name, address }) => PORTS.map((port) => [`${address}:${port}`, name]));
  const told = await Promise.allSettled(places.map(([place, name]) => look(place, name)));
  const live = told.filter(({ status }) => status === "fulfilled").map(({ value }) => value);
  return { live, silent: places.map(([place]) => place).filter((_, index) => told[index].status !== "fulfilled") };
}

const call = (place, ...command) => asking(...split(place), (redis) => redis.call(...command), PATIENCE * 2);

const ACTS = {
  takeover: ({ place }) => call(place, "CLUSTER", "FAILOVER", "TAKEOVER"),
  forget: ({ ids, places }) =>
    // Who does not know it either has nothing to forget.
    Promise.allSettled(ids.flatMap((id) => places.map((place) => call(place, "CLUSTER", "FORGET", id)))),
  async reset({ of }) {
    for (const { place, replica } of of) {
      if (!replica) await call(place, "FLUSHALL");
      await call(place, "CLUSTER", "RESET", "HARD");
    }
  },
  async meet({ unmet }) {
    for (const [from, to] of unmet) await call(from, "CLUSTER", "MEET", ...split(to).map(String));
    await pause(AGAIN);
  },
  timeout: ({ places, failover }) =>
    Promise.all(places.map((place) => call(place, "CONFIG", "SET", "cluster-node-timeout", String(failover)))),
  assign: ({ place, ranges }) => call(place, "CLUSTER", "ADDSLOTSRANGE", ...ranges.flat().map(String)),
  async replicate({ place, of }) {
    await call(place, "CLUSTER", "REPLICATE", of);
    await waitFor(async () => fields(await call(place, "INFO", "replication")).master_link_status === "up", SYNCED);
  },
  async failover({ place }) {
    await call(place, "CLUSTER", "FAILOVER");
    // Its source takes no writes until it is done: who asks again begins again, and nobody ever writes.
    await waitFor(async () => (await call(place, "ROLE"))[0] === "master", HANDED_OVER);
  },
};

/** Does it; throws where the store refuses. */
export async function act(step) {
  await ACTS[step.act](step);
}
