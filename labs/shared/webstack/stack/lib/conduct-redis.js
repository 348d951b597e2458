// Conducts a Redis Cluster: asks its nodes for their state and carries out what conduct-redis-plan.js decides.
//
// Each member runs several nodes (layout.js says how many). So the machines that are left after a loss are enough for all shards
// with their replicas, and no slot ever moves from one shard to another: a shard changes its machine as a whole, by a replica
// that takes over.
import { FAILOVER_TIMEOUT, MEMORY_LIMIT, NO_FAILOVER, decide } from "./conduct-redis-plan.js";
import { layoutFor } from "./layout.js";
import { hostOf, parseInfo, parseNodes, placesElsewhere } from "./redis-cluster-view.js";
import { handOver } from "./redis-handover.js";
import { FIRST_PORT, withNode } from "./redis-node.js";
import { pause, waitUntil } from "./wait.js";

const PATIENCE = 1500; // milliseconds for a node to report: it is in the same network
// For an owner whose announcement has expired: without an answer a replica takes over, so a busy machine is given time.
const LAST_PATIENCE = 4000;
const COMMAND_PATIENCE = 2 * PATIENCE;
const GOSSIP = 200; // milliseconds until an introduction shows
const SYNC_LIMIT = 20_000; // milliseconds for a replica to copy its owner
const MEGABYTE = 2 ** 20;
const BEGINNING = "1000"; // milliseconds: the FAILOVER_TIMEOUT of an owner until it serves
const INTERVAL = 200; // milliseconds between two checks whether a command has taken effect

/** One interface for all kinds of store: see conductors.js. */
export class RedisConductor {
  static unusedSettings = ["password", "bucket"];

  constructor({ machines, ram, failover }) {
    const { shards, replicas, nodes } = layoutFor(machines);
    this.ports = Array.from({ length: nodes }, (_, index) => FIRST_PORT + index);
    this.config = { shards, replicas, failover, memory: Math.floor((ram * MEGABYTE) / nodes) };
  }

  /**
   * The reports of all nodes of the members that answer, and the places of those that are `silent`. Nodes of the cluster
   * that are not announced are asked as well: their announcement may have expired while they serve.
   */
  async observe(members) {
    const announced = members.flatMap(({ name, address }) =>
      this.ports.map((port) => ({ place: `${address}:${port}`, member: name, isAnnounced: true })),
    );
    const results = await Promise.allSettled(announced.map(report));
    const reports = answers(results);
    const others = placesElsewhere(reports, announced).map((node) => ({ ...node, member: hostOf(node.place), isAnnounced: false }));
    return {
      reports: [...reports, ...answers(await Promise.allSettled(others.map(report)))],
      silent: announced.map(({ place }) => place).filter((_, index) => results[index].status === "rejected"),
    };
  }

  decide(state) {
    return decide(state, this.config);
  }

  async act(step, requireLock) {
    const send = (place, ...words) => {
      requireLock();
      return command(place, ...words);
    };
    await ACTIONS[step.action](step, send);
  }
}

const answers = (results) => results.filter(({ status }) => status === "fulfilled").map(({ value }) => value);

const hostAndPort = (place) => [hostOf(place), Number(place.split(":").pop())];

/** A node's state, as it reports it itself. */
function report({ place, member, isAnnounced, isOwner = false }) {
  const ask = async (redis) => {
    const [id, nodes, clusterInfo, replicationInfo, keys, settings] = await Promise.all([
      redis.call("CLUSTER", "MYID"),
      redis.call("CLUSTER", "NODES"),
      redis.call("CLUSTER", "INFO"),
      redis.info("replication"),
      redis.dbsize(),
      redis.config("GET", FAILOVER_TIMEOUT, MEMORY_LIMIT, NO_FAILOVER),
    ]);
    const replication = parseInfo(replicationInfo);
    const isReplica = replication.role === "slave";
    return {
      place,
      member,
      isAnnounced,
      id,
      peers: parseNodes(nodes),
      serves: parseInfo(clusterInfo).cluster_state === "ok",
      keys,
      settings: pairs(settings),
      isReplica,
      offset: Number(replication.slave_repl_offset ?? replication.master_repl_offset ?? 0),
      // During a sync, or while its owner is away, a replica is not known to be complete.
      synced: isReplica && replication.master_link_status === "up" && replication.master_sync_in_progress === "0",
    };
  };
  return withNode(...hostAndPort(place), ask, isOwner ? LAST_PATIENCE : PATIENCE);
}

/** An object of a list of names and values that take turns. */
function pairs(list) {
  return Object.fromEntries(list.flatMap((name, index) => (index % 2 ? [] : [[name, list[index + 1]]])));
}

const command = (place, ...words) => withNode(...hostAndPort(place), (redis) => redis.call(...words), COMMAND_PATIENCE);

const isLinkedToOwner = async (place) => parseInfo(await command(place, "INFO", "replication")).master_link_status === "up";

/**
 * How each action of the plan is carried out. Every command that changes something is sent by `send`, which throws when the
 * conductor has lost its lock. Where a command takes longer than the limit to take effect, the next observation decides.
 */
const ACTIONS = {
  takeover: ({ place }, send) => send(place, "CLUSTER", "FAILOVER", "TAKEOVER"),

  // A node that has forgotten one already answers with an error, which does not matter.
  forget: ({ ids, places }, send) =>
    Promise.allSettled(ids.flatMap((id) => places.map(async (place) => send(place, "CLUSTER", "FORGET", id)))),

  async reset({ nodes }, send) {
    for (const { place, isReplica } of nodes) {
      if (!isReplica) await send(place, "FLUSHALL");
      await send(place, "CLUSTER", "RESET", "HARD");
    }
  },

  async meet({ pairs: strangers }, send) {
    for (const [from, to] of strangers) await send(from, "CLUSTER", "MEET", ...hostAndPort(to).map(String));
    await pause(GOSSIP);
  },

  configure: ({ changes }, send) =>
    Promise.all(changes.map(({ place, settings }) => send(place, "CONFIG", "SET", ...Object.entries(settings).flat()))),

  // A node that has known no owner refuses all for as long as its FAILOVER_TIMEOUT, or for five seconds, after it knows one
  // (Redis' clusterUpdateState). There is nobody to wait for here, so that time is short.
  async assign({ place, ranges }, send) {
    await send(place, "CONFIG", "SET", FAILOVER_TIMEOUT, BEGINNING);
    await send(place, "CLUSTER", "ADDSLOTSRANGE", ...ranges.flat().map(String));
  },

  // Until the copy is complete the node must not take over, whatever copy it had before.
  async replicate({ place, owner, isEmptied }, send) {
    await send(place, "CONFIG", "SET", NO_FAILOVER, "yes");
    if (isEmptied) await send(place, "FLUSHALL");
    await send(place, "CLUSTER", "REPLICATE", owner);
    const isCopied = await waitUntil(() => isLinkedToOwner(place), { limit: SYNC_LIMIT, interval: INTERVAL });
    if (isCopied) await send(place, "CONFIG", "SET", NO_FAILOVER, "no");
  },

  handover: ({ place, from }, send) => handOver({ from, to: place }, command, send),
};
