// A Redis Cluster in memory: what its nodes would report, and how it changes when a step of the conductor is carried out.
import assert from "node:assert/strict";
import { FAILOVER_TIMEOUT, MEMORY_LIMIT, NO_FAILOVER, decide } from "../../stack/lib/conduct-redis-plan.js";
import { SLOTS } from "../../stack/lib/hash-slots.js";
import { layoutFor } from "../../stack/lib/layout.js";
import { gaps } from "../../stack/lib/redis-cluster-view.js";

const FAILOVER = 30_000;
export const MEMORY = 2 ** 20;
const blankNode = (id, member, port) => ({
  id,
  place: `${member}:${port}`,
  member,
  ranges: [],
  master: "",
  serves: true,
  keys: 0,
  settings: { [FAILOVER_TIMEOUT]: String(FAILOVER), [MEMORY_LIMIT]: String(MEMORY), [NO_FAILOVER]: "yes" },
});

/**
 * A simulated store, as its nodes would report themselves and each other: the members a, b, c ... of a store for so many
 * machines as there are `members`, or for `machines`.
 */
export class World {
  constructor(members = ["a", "b", "c"], machines = Math.max(3, members.length)) {
    const { shards, replicas, nodes } = layoutFor(machines);
    this.ports = Array.from({ length: nodes }, (_, index) => 8091 + index);
    this.config = { shards, replicas, failover: FAILOVER, memory: MEMORY };
    this.members = members;
    this.nodes = members.flatMap((member) => this.newNodes(member, ""));
    this.introduced = new Set(this.nodes.map(({ id }) => id));
    this.dead = new Set(); // members
    this.unannounced = new Set(); // members
    this.finishesCopies = true;
  }

  newNodes(member, suffix) {
    return this.ports.map((port) => blankNode(`${member}${port}${suffix}`, member, port));
  }

  decide(silent) {
    return decide(this.state(silent), this.config);
  }

  at(place) {
    return this.nodes.find((node) => node.place === place);
  }

  /** What RedisConductor.observe() would return. */
  state(silent = []) {
    const answering = this.nodes.filter(({ place, member }) => !this.dead.has(member) && !silent.includes(place));
    return { reports: answering.map((node) => this.report(node)), silent };
  }

  report(node) {
    const heardOf = this.introduced.has(node.id) ? this.nodes.filter(({ id }) => this.introduced.has(id)) : [node];
    const peers = (node.peers ?? heardOf).map((peer) => {
      const role = peer.master ? "slave" : "master";
      return { ...peer, flags: peer.id === node.id ? ["myself", role] : [role] };
    });
    const isReplica = Boolean(node.master);
    const hasOwner = this.nodes.some(({ id, member }) => id === node.master && !this.dead.has(member));
    const synced = hasOwner && node.isCopied !== false;
    return { offset: 1, ...node, synced, isReplica, peers, isAnnounced: !this.unannounced.has(node.member) };
  }

  /** Carries out a step as Redis would. */
  act(step) {
    const { action, place } = step;
    if (action === "assign") this.at(place).ranges.push(...step.ranges);
    else if (action === "replicate") {
      const settings = { ...this.at(place).settings, [NO_FAILOVER]: this.finishesCopies ? "no" : "yes" };
      Object.assign(this.at(place), { master: step.owner, isCopied: this.finishesCopies, settings });
    } else if (action === "configure") {
      for (const change of step.changes) {
        const node = this.at(change.place);
        node.settings = { ...node.settings, ...change.settings };
      }
    } else if (action === "takeover" || action === "handover") {
      const node = this.at(place);
      const owner = this.nodes.find(({ id }) => id === node.master);
      [node.ranges, owner.ranges, node.master] = [owner.ranges, [], ""];
      for (const other of this.nodes) if (other.master === owner.id) other.master = node.id;
      if (action === "handover") owner.master = node.id;
    } else if (action === "forget") {
      this.nodes = this.nodes.filter(({ id }) => !step.ids.includes(id));
    } else if (action === "meet") {
      for (const pair of step.pairs) for (const each of pair) this.introduced.add(this.at(each).id);
    } else if (action === "reset") {
      for (const { place: each } of step.nodes) Object.assign(this.at(each), { ranges: [], master: "", keys: 0, peers: undefined });
    } else throw new Error(`unknown action ${action}`);
  }

  /** Decides and acts until nothing is left to do. Returns the actions. */
  settle() {
    const actions = [];
    for (let step = this.decide(); step?.action; step = this.decide()) {
      actions.push(step.action);
      assert.ok(actions.length < 200, `no end: ${actions.slice(-10)}`);
      this.act(step);
    }
    return actions;
  }

  /** Asserts that all slots are served, with their replicas elsewhere, and how many shards each of the machines owns. */
  check(machines, shardsOwned, replicas = this.config.replicas) {
    const nodes = this.nodes.filter(({ member }) => !this.dead.has(member));
    assert.deepEqual(gaps(nodes.flatMap(({ ranges }) => ranges), 0, SLOTS - 1), [], "each slot is served");
    const owners = nodes.filter(({ ranges }) => ranges.length);
    for (const owner of owners) {
      const copies = nodes.filter(({ master, member }) => master === owner.id && member !== owner.member);
      const others = new Set(copies.map(({ member }) => member));
      assert.ok(others.size >= replicas, `${owner.place} has ${replicas} replicas on other machines, not ${others.size}`);
    }
    const counts = machines.map((member) => owners.filter((owner) => owner.member === member).length);
    assert.deepEqual(counts.sort(), shardsOwned, "no machine owns more shards than it must");
  }

  lose(member) {
    this.dead.add(member);
  }

  /** The member is back, with new nodes that know no others. */
  bringBack(member) {
    this.dead.delete(member);
    this.nodes = this.nodes.filter((node) => node.member !== member);
    this.nodes.push(...this.newNodes(member, "'"));
  }
}

export function settledWorld() {
  const world = new World();
  world.settle();
  return world;
}
