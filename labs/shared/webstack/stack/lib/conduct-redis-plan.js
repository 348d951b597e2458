// Decides what a Redis Cluster needs next, from what its nodes report. conduct-redis.js observes the nodes and acts.
//
// A *member* of the store is one container with three Redis *nodes*; a node's *place* is `address:port`. A *shard* is an
// equal part of the hash slots. Its *owner* serves it, its *replicas* copy the owner. A node without slots that replicates
// no other node is *blank*.
//
// A copy is *complete* once it has finished copying its owner. A node remembers that in its own settings: as long as its copy
// is not known to be complete, NO_FAILOVER is "yes", and neither the conductor nor Redis itself lets it take over.
//
// `decide` goes through STEPS from the top and returns the first decision. Nothing is remembered between two calls, so a
// conductor can be killed after any step and the next one carries on.
import { SLOTS, slotsOfShard } from "./hash-slots.js";
import { byPlace, gaps, isConnected, slotCount, viewOf } from "./redis-cluster-view.js";

// Settings of Redis, which each node reports.
export const NO_FAILOVER = "cluster-replica-no-failover";
export const FAILOVER_TIMEOUT = "cluster-node-timeout"; // milliseconds
export const MEMORY_LIMIT = "maxmemory"; // bytes

/**
 * The steps, the most urgent first: data that no node serves, then a cluster that all nodes agree on, then where its data is.
 * Each step is given the cluster's view and the configuration, and returns
 *   { action, message, ... }  something to do, with what the action needs to know
 *   { wait: reason }          something has to happen by itself first
 *   { lost: slots }           nothing can be done for slots whose every copy is gone
 *   undefined                 nothing: the next step is asked
 */
export const STEPS = [
  { name: "wait until a node answers", decide: waitForAnswer },
  { name: "promote a replica of each lost owner", decide: promoteReplica },
  { name: "forget nodes that are gone", decide: forgetGoneNodes },
  { name: "wait for nodes that are silent", decide: waitForSilentNodes },
  { name: "reset nodes that bring old data", decide: resetStaleNodes },
  { name: "introduce nodes to each other", decide: introduceNodes },
  { name: "wait until every node knows every other", decide: waitForGossip },
  { name: "configure nodes", decide: configureNodes },
  { name: "assign slots that have no owner yet", decide: assignSlots },
  { name: "replicate each shard to other machines", decide: replicateShards },
  { name: "spread the owners over the machines", decide: spreadOwners },
  { name: "wait for announcements of nodes that answer", decide: waitForAnnouncements },
  { name: "report slots that are lost", decide: reportLostSlots },
  { name: "wait until the owners serve", decide: waitForOwners },
];

/**
 * The next decision, with the name of the `step` that made it; null when the cluster is as it should be.
 *
 * @param {object} state what RedisConductor.observe() returns
 * @param {{ shards: number, replicas: number, failover: number, memory: number }} config numbers of shards and of replicas of
 *   each; milliseconds after which Redis itself fails over; bytes of memory for each node
 */
export function decide(state, config) {
  const view = viewOf(state);
  for (const { name, decide: decideStep } of STEPS) {
    const decision = decideStep(view, config);
    if (decision) return { step: name, ...decision };
  }
  return null;
}

const isComplete = (node) => node.settings[NO_FAILOVER] === "no";

function waitForAnswer({ reports }) {
  return reports.length ? undefined : { wait: "no member answers" };
}

/** Of the complete copies, the one that has received most of the owner's writes takes over. */
function promoteReplica({ inside, peers, gone }) {
  for (const owner of gone.filter(slotCount)) {
    const replicas = inside.filter((node) => peers.get(node.id).master === owner.id && isComplete(node));
    const [best] = replicas.sort((a, b) => b.offset - a.offset);
    if (best) return { action: "takeover", place: best.place, message: `${owner.place} is gone: ${best.place} takes over` };
  }
  return undefined;
}

/** A node that is gone and whose slots are lost is remembered: no other node may be given those slots. */
function forgetGoneNodes({ inside, gone }) {
  const ids = gone.filter((peer) => !slotCount(peer)).map(({ id }) => id);
  if (!ids.length) return undefined;
  return { action: "forget", ids, places: inside.map(({ place }) => place), message: `forgetting ${ids.length} nodes that are gone` };
}

function waitForSilentNodes({ silent }) {
  return silent.length ? { wait: `no answer from ${silent.join(", ")}` } : undefined;
}

function resetStaleNodes({ reports, inside, peers }) {
  if (inside.length <= 1) return undefined;
  const outside = reports.filter(({ id }) => !peers.has(id));
  const stale = outside.filter((node) => node.keys || node.peers.filter(isConnected).length > 1 || node.peers.some(slotCount));
  if (!stale.length) return undefined;
  return { action: "reset", nodes: stale, message: `resetting nodes with old data: ${stale.map(({ place }) => place).join(", ")}` };
}

function introduceNodes({ reports }) {
  const pairs = strangers(reports);
  if (!pairs.length) return undefined;
  const places = [...new Set(pairs.map(([, place]) => place))];
  return { action: "meet", pairs, message: `introducing ${places.join(", ")} to the others` };
}

/** The pairs of places whose nodes have never heard of each other, each pair once. */
function strangers(reports) {
  return reports.flatMap((one, index) =>
    reports
      .slice(index + 1)
      .filter((other) => !one.peers.some(({ id, place }) => id === other.id || place === other.place))
      .map((other) => [one.place, other.place]),
  );
}

function waitForGossip({ reports }) {
  const knows = (one, other) => one.peers.some((peer) => peer.id === other.id && isConnected(peer));
  const complete = reports.every((one) => reports.every((other) => knows(one, other)));
  return complete ? undefined : { wait: "the nodes are getting to know each other" };
}

/**
 * Every node has the store's settings, and remembers that its copy is complete as soon as it is. An owner that does not serve yet
 * keeps the FAILOVER_TIMEOUT with which it begins.
 */
function configureNodes({ reports, peers }, { failover, memory }) {
  const begins = ({ id, serves }) => !serves && peers.has(id) && slotCount(peers.get(id)) > 0;
  const changes = reports.flatMap((node) => {
    const wanted = {
      [MEMORY_LIMIT]: String(memory),
      ...(!begins(node) && { [FAILOVER_TIMEOUT]: String(failover) }),
      ...(node.synced && { [NO_FAILOVER]: "no" }),
    };
    const settings = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => node.settings[name] !== value));
    return Object.keys(settings).length ? [{ place: node.place, settings }] : [];
  });
  if (!changes.length) return undefined;
  const names = new Set(changes.flatMap(({ settings }) => Object.entries(settings).map(([name, value]) => `${name}=${value}`)));
  const nodes = changes.length > 1 ? `${changes.length} nodes` : changes[0].place;
  return { action: "configure", changes, message: `setting ${[...names].join(", ")} on ${nodes}` };
}

/** The members that are given something to do. */
const machinesOf = (reports) => [...new Set(reports.filter(({ isAnnounced }) => isAnnounced).map(({ member }) => member))].sort();

/** Slots have no owner only until the cluster is complete for the first time: those of an owner that is gone are lost, not free. */
function assignSlots({ inside, peers, gone }, { shards }) {
  const known = [...peers.values(), ...gone];
  const assigned = known.flatMap(({ ranges }) => ranges);
  if (!gaps(assigned, 0, SLOTS - 1).length) return undefined;
  const machines = machinesOf(inside);
  const owners = new Set(known.filter(slotCount).map(({ id }) => id));
  for (let shard = 0; shard < shards; shard += 1) {
    const [first, last] = slotsOfShard(shard, shards);
    const ranges = gaps(assigned, first, last);
    if (!ranges.length) continue;
    if (machines.length < shards) return { wait: `${machines.length} of ${shards} members are announced` };
    // A node that was given half of a shard before a conductor was killed gets the other half as well.
    const begun = known.find((peer) => peer.ranges.some(([from, to]) => from <= last && to >= first));
    const blank = inside.find(({ id, member, isReplica }) => member === machines[shard] && !isReplica && !owners.has(id));
    const place = (begun ?? blank)?.place;
    if (!place) return { wait: `no node on ${machines[shard]} can own a shard` };
    return { action: "assign", place, ranges, message: `${place} owns shard ${shard + 1} of ${shards}` };
  }
  return undefined;
}

/** Where the data is. `wanted` is the number of replicas that each shard is to have on other machines, if there are so many. */
function layoutOf({ inside, peers }, { replicas: wantedByConfig }) {
  const wanted = Math.min(wantedByConfig, machinesOf(inside).length - 1);
  const owners = inside.filter(({ id }) => slotCount(peers.get(id)));
  const replicasOf = (id) => inside.filter((node) => peers.get(node.id).master === id);
  /** The other machines that have a copy of an owner's shard, without what the node `except` has. */
  const machinesWithCopy = (owner, { except, onlySynced = false } = {}) => {
    const copies = replicasOf(owner.id).filter((node) => node !== except && (node.synced || !onlySynced));
    return new Set(copies.map(({ member }) => member).filter((member) => member !== owner.member));
  };
  /** Whether a node may be given something else to replicate: it is blank, or enough other machines have the same copy. */
  const isSpare = (node) => {
    if (!node.isAnnounced || slotCount(peers.get(node.id))) return false;
    const owner = owners.find(({ id }) => id === peers.get(node.id).master);
    return !owner || machinesWithCopy(owner, { except: node, onlySynced: true }).size >= wanted;
  };
  return { owners, wanted, replicasOf, machinesWithCopy, isSpare };
}

/** Each shard gets its replicas, each on another machine. Every shard has its first one before any has its second. */
function replicateShards(view, config) {
  const { owners, wanted, replicasOf, machinesWithCopy, isSpare } = layoutOf(view, config);
  const load = (member) => view.inside.filter((node) => node.member === member && !isSpare(node)).length;
  for (let count = 1; count <= wanted; count += 1) {
    for (const owner of owners) {
      if (machinesWithCopy(owner, { onlySynced: true }).size >= count) continue;
      const taken = machinesWithCopy(owner);
      if (taken.size >= count) {
        const copying = replicasOf(owner.id).find(({ synced }) => !synced);
        return { wait: `${copying.place} is copying ${owner.place}` };
      }
      const spare = view.inside.filter((node) => node.member !== owner.member && !taken.has(node.member) && isSpare(node));
      spare.sort((a, b) => load(a.member) - load(b.member) || byPlace(a, b));
      if (spare.length) return replicate(spare[0], owner);
    }
  }
  return undefined;
}

/** No machine owns two shards more than another: a shard moves by a replica that takes over from its owner. */
function spreadOwners(view, config) {
  const { inside, peers } = view;
  const { owners, replicasOf, isSpare } = layoutOf(view, config);
  const machines = machinesOf(inside);
  const ownersOn = (member) => owners.filter((owner) => owner.member === member);
  const most = machines.reduce((a, b) => (ownersOn(b).length > ownersOn(a).length ? b : a));
  const least = machines.reduce((a, b) => (ownersOn(b).length < ownersOn(a).length ? b : a));
  if (ownersOn(most).length - ownersOn(least).length < 2) return undefined;
  const movable = ownersOn(most).map((owner) => ({
    owner,
    replicas: replicasOf(owner.id).filter(({ member }) => member === least),
  }));
  for (const { owner, replicas } of movable) {
    const replica = replicas.find(({ synced }) => synced);
    if (replica) return handOver(replica, owner, owners.filter(({ id }) => !knowsSlotsOf(replica, peers.get(id))));
  }
  if (movable.some(({ replicas }) => replicas.length)) return { wait: `${least} is copying a shard` };
  const spare = inside.find((node) => node.member === least && isSpare(node));
  return spare && replicate(spare, movable[0].owner);
}

const knowsSlotsOf = (node, owner) => slotCount(node.peers.find(({ id }) => id === owner.id) ?? { ranges: [] }) === slotCount(owner);

/**
 * A replica takes over with an epoch that is newer than all it has heard of. One that has not heard of the owners themselves may
 * choose an old one, and the others ignore it: such `strangers` among the owners are introduced to it first.
 */
function handOver(replica, owner, strangers) {
  const { place } = replica;
  if (strangers.length) {
    return { action: "meet", pairs: strangers.map((each) => [each.place, place]), message: `telling ${place} who owns which slots` };
  }
  return { action: "handover", place, from: owner.place, message: `rebalancing: ${place} takes over from ${owner.place}` };
}

/** Redis refuses to make a replica of a node that has keys of its own, as one that has lost its slots may have. */
function replicate(node, owner) {
  const isEmptied = !node.isReplica && node.keys > 0;
  return { action: "replicate", place: node.place, owner: owner.id, isEmptied, message: `${node.place} replicates ${owner.place}` };
}

/** A node without an announcement serves as before. Once it no longer answers either, it is gone: that must be seen soon. */
function waitForAnnouncements({ reports }) {
  const places = reports.filter(({ isAnnounced }) => !isAnnounced).map(({ place }) => place);
  return places.length ? { wait: `${places.join(", ")}: not announced, but answering: left alone` } : undefined;
}

function reportLostSlots({ gone }) {
  const lost = gone.reduce((sum, peer) => sum + slotCount(peer), 0);
  return lost ? { lost } : undefined;
}

/** An owner refuses all as long as Redis takes its cluster for broken: for a moment after it gets its first slots, too. */
function waitForOwners({ inside, peers }) {
  const places = inside.filter(({ id, serves }) => !serves && slotCount(peers.get(id))).map(({ place }) => place);
  return places.length ? { wait: `${places.join(", ")}: no service yet` } : undefined;
}
