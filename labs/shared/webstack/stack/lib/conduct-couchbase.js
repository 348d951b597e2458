// Conducts a Couchbase cluster over its REST administration. Written to its documentation, and not tried.
import { Admin } from "./admin-couchbase.js";
import { layoutFor } from "./layout.js";

/** One interface for all kinds of store: see conductors.js. */
export class CouchbaseConductor {
  static unusedSettings = [];

  constructor(config) {
    this.config = config;
  }

  /** The cluster as its first member reports it. `blank` are the members that belong to no cluster. */
  async observe(members) {
    const pools = await Promise.allSettled(members.map(({ address }) => this.#admin(address).pool()));
    const blank = members.filter((_, index) => pools[index].status === "fulfilled" && !pools[index].value);
    const first = members.find((_, index) => pools[index].status === "fulfilled" && pools[index].value?.nodes.length);
    if (!first) return { members, blank, pool: undefined };
    const admin = this.#admin(first.address);
    const [pool, hasBucket, failoverAfter] = await Promise.all([
      admin.pool(),
      admin.hasBucket(this.config.bucket),
      admin.failoverAfter(),
    ]);
    return { members, blank, first, pool, hasBucket, failoverAfter };
  }

  decide(state) {
    for (const decideStep of STEPS) {
      const decision = decideStep(state, this.config);
      if (decision) return decision;
    }
    return null;
  }

  async act(step, requireLock) {
    requireLock(); // each action is one request
    await ACTIONS[step.action](this.#admin(step.at), step);
  }

  #admin(address) {
    return new Admin(address, this.config.password);
  }
}

/** The steps in the order in which they are considered, as in conduct-redis-plan.js. `at` is the member to be asked. */
const STEPS = [initialise, createBucket, setFailover, waitForRebalance, failOverGoneNode, addMember, rebalance];

const addressOf = (node) => node.hostname.replace(/:\d+$/, "");

function goneNodes({ members, pool }) {
  const announced = new Set(members.map(({ address }) => address));
  return pool.nodes.filter((node) => !announced.has(addressOf(node)));
}

function initialise({ pool, blank }, { ram }) {
  if (pool) return undefined;
  if (!blank.length) return { wait: "no member answers" };
  const at = blank[0].address;
  return { action: "initialise", at, ram, message: `initialising ${at}` };
}

function createBucket({ first, hasBucket }, { machines, bucket, ram }) {
  if (hasBucket) return undefined;
  const { replicas } = layoutFor(machines);
  return { action: "createBucket", at: first.address, ram, replicas, bucket, message: `creating bucket ${bucket} with ${replicas} replica` };
}

function setFailover({ first, failoverAfter }, { failover }) {
  const seconds = failover / 1000;
  if (failoverAfter === seconds) return undefined;
  return { action: "setFailoverAfter", at: first.address, seconds, message: `automatic failover after ${seconds} s` };
}

function waitForRebalance({ pool }) {
  return pool.rebalanceStatus === "running" ? { wait: "rebalancing" } : undefined;
}

function failOverGoneNode(state) {
  const node = goneNodes(state).find(({ clusterMembership, status }) => clusterMembership === "active" && status !== "healthy");
  if (!node) return undefined;
  return { action: "failOver", at: state.first.address, node: node.otpNode, message: `${node.hostname} is gone: failing it over` };
}

function addMember({ members, first, pool }) {
  const inside = new Set(pool.nodes.map(addressOf));
  const missing = members.find(({ address }) => !inside.has(address));
  if (!missing) return undefined;
  return { action: "addMember", at: first.address, address: missing.address, message: `adding ${missing.address}` };
}

function rebalance(state) {
  const { first, pool } = state;
  const isPending = pool.nodes.some(({ clusterMembership }) => clusterMembership !== "active");
  if (!isPending && pool.balanced) return undefined;
  const nodes = pool.nodes.map(({ otpNode }) => otpNode);
  const ejected = goneNodes(state).map(({ otpNode }) => otpNode);
  return { action: "rebalance", at: first.address, nodes, ejected, message: "rebalancing" };
}

/** How each action is carried out. */
const ACTIONS = {
  initialise: (admin, { ram }) => admin.initialise(ram),
  createBucket: (admin, { ram, replicas, bucket }) => admin.createBucket(ram, replicas, bucket),
  setFailoverAfter: (admin, { seconds }) => admin.setFailoverAfter(seconds),
  failOver: (admin, { node }) => admin.failOver(node),
  addMember: (admin, { address }) => admin.addMember(address),
  rebalance: (admin, { nodes, ejected }) => admin.rebalance(nodes, ejected),
};
