// How a Couchbase cluster is conducted, over its REST administration. Written to its documentation, and not tried.
import { Admin } from "./admin-couchbase.js";

let password; // of the administration, told with every look

/** What the first member that belongs to a cluster says of all; `blank` are those that belong to none. */
export async function observe(members, config) {
  ({ password } = config);
  const told = await Promise.allSettled(members.map(({ address }) => new Admin(address, password).pool()));
  const blank = members.filter((_, index) => told[index].status === "fulfilled" && !told[index].value);
  const inside = members.find((_, index) => told[index].status === "fulfilled" && told[index].value?.nodes.length);
  if (!inside) return { members, blank, pool: undefined };
  const admin = new Admin(inside.address, password);
  const [pool, bucket, failover] = await Promise.all([admin.pool(), admin.hasBucket(config.bucket), admin.failoverAfter()]);
  return { members, blank, first: inside, pool, bucket, failover };
}

/** As conduct-redis.js has it. */
export function decide({ members, blank, first, pool, bucket, failover: set }, { shards, failover, bucket: name, ram }) {
  if (!pool) {
    if (!blank.length) return { wait: "no member answers" };
    return { act: "initialise", at: blank[0].address, ram, say: `initialising ${blank[0].address}` };
  }
  const at = first.address;
  if (!bucket) {
    // At most this many copies: as many machines must be left as are needed to tell who is right.
    const replicas = Math.floor((shards - 1) / 2);
    return { act: "createBucket", at, ram, replicas, name, say: `creating bucket ${name} with ${replicas} replica` };
  }
  if (set !== failover / 1000) return { act: "setFailoverAfter", at, seconds: failover / 1000, say: `auto-failover after ${failover / 1000} s` };
  if (pool.rebalanceStatus === "running") return { wait: "rebalancing" };
  const places = new Set(members.map(({ address }) => address));
  const addressOf = (node) => node.hostname.replace(/:\d+$/, "");
  const gone = pool.nodes.filter((node) => !places.has(addressOf(node)));
  const active = gone.find(({ clusterMembership, status }) => clusterMembership === "active" && status !== "healthy");
  if (active) return { act: "failOver", at, node: active.otpNode, say: `${active.hostname} is gone: failing it over` };
  const there = new Set(pool.nodes.map(addressOf));
  const missing = members.filter(({ address }) => !there.has(address));
  if (missing.length) return { act: "addMember", at, address: missing[0].address, say: `adding ${missing[0].address}` };
  const pending = pool.nodes.some(({ clusterMembership }) => clusterMembership !== "active");
  if (pending || !pool.balanced) {
    const ejected = gone.map(({ otpNode }) => otpNode);
    return { act: "rebalance", at, known: pool.nodes.map(({ otpNode }) => otpNode), ejected, say: "rebalancing" };
  }
  return null;
}

const ACTS = {
  initialise: (admin, { ram }) => admin.initialise(ram),
  createBucket: (admin, { ram, replicas, name }) => admin.createBucket(ram, replicas, name),
  setFailoverAfter: (admin, { seconds }) => admin.setFailoverAfter(seconds),
  failOver: (admin, { node }) => admin.failOver(node),
  addMember: (admin, { address }) => admin.addMember(address),
  rebalance: (admin, { known, ejected }) => admin.rebalance(known, ejected),
};

/** Does it; throws where the store refuses. */
export async function act(step) {
  await ACTS[step.act](new Admin(step.at, password), step);
}
