// What is to be done next with a Redis Cluster, from what is seen of it (conduct-redis.js sees, and does it).
export const SLOTS = 16384;

/** The lines of CLUSTER NODES. A place is address:port, `ranges` are [first, last] slot. */
export function parseNodes(text) {
  return text.trim().split("\n").filter(Boolean).map((line) => {
    const [id, where, flags, master, , , , , ...slots] = line.trim().split(" ");
    const ranges = slots.filter((slot) => !slot.startsWith("[")).map((slot) => {
      const [first, last = first] = slot.split("-").map(Number);
      return [first, last];
    });
    return { id, place: where.split("@")[0], flags: flags.split(","), master: master === "-" ? "" : master, ranges };
  });
}

const slotsOf = (node) => node.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
const isKnown = (node) => !node.flags.includes("handshake") && !node.flags.includes("noaddr");

/** The slots from `first` to `last` that are in none of the ranges, as ranges. */
export function gaps(ranges, first, last) {
  const found = [];
  let next = first;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (to < next || from > last) continue;
    if (from > next) found.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= last) found.push([next, last]);
  return found;
}

/**
 * What is to be done next: `{ act, say, ... }`; `{ wait }` where something has to happen by itself; `{ lost }` where data
 * has no copy; null when all is as it should be. `shards` is how many parts the data has, `failover` milliseconds.
 */
export function decide({ live, silent }, { shards, failover }) {
  if (!live.length) return { wait: "no member answers" };
  const votes = (one) => live.filter((other) => other.nodes.some((node) => node.id === one.id && isKnown(node))).length;
  const slots = (one) => one.nodes.reduce((sum, node) => sum + slotsOf(node), 0);
  // Whom most know. A member that comes back with yesterday's data is known by itself alone.
  const first = [...live].sort((a, b) => votes(b) - votes(a) || slots(b) - slots(a) || (a.place < b.place ? -1 : 1))[0];
  const known = new Map(first.nodes.filter(isKnown).map((node) => [node.id, node]));
  const ids = new Set(live.map(({ id }) => id));
  const main = live.filter(({ id }) => known.has(id));
  // What somebody says of himself is so; what others say of him may be a second old.
  for (const { id, place, nodes } of main) known.set(id, { ...nodes.find(({ flags }) => flags.includes("myself")), place });
  // Who is silent may only be slow: until its announcement has run out, it is left alone.
  const told = first.nodes.filter(({ flags }) => !flags.includes("handshake"));
  const served = main.flatMap(({ id }) => known.get(id).ranges);
  const gone = told
    .filter((node) => !ids.has(node.id) && !silent.includes(node.place))
    .map((node) => ({ ...node, ranges: node.ranges.flatMap(([from, to]) => gaps(served, from, to)) }));

  let lost = 0;
  for (const dead of gone.filter((node) => slotsOf(node))) {
    const copies = main.filter(({ id }) => known.get(id).master === dead.id).sort((a, b) => b.offset - a.offset);
    if (copies.length) return { act: "takeover", place: copies[0].place, say: `${dead.place} is gone: ${copies[0].place} takes over` };
    lost += slotsOf(dead);
  }
  const forgotten = gone.filter((node) => !slotsOf(node)).map(({ id }) => id);
  if (forgotten.length) {
    const places = main.map(({ place }) => place);
    return { act: "forget", ids: forgotten, places, say: `forgetting ${forgotten.length} that are gone` };
  }
  if (silent.length) return { wait: `${silent.join(", ")} do not answer` };
  const strangers = live.filter(({ id }) => !known.has(id));
  const stale = strangers.filter(({ nodes, keys }) => keys || nodes.filter(isKnown).length > 1 || nodes.some(slotsOf));
  if (stale.length && main.length > 1) {
    return { act: "reset", of: stale, say: `${stale.map(({ place }) => place).join(", ")}: of an earlier life, emptied` };
  }
  const unmet = pairs(live);
  if (unmet.length) {
    const places = [...new Set(unmet.map(([, place]) => place))];
    return { act: "meet", unmet, say: `making acquainted: ${places.join(", ")}` };
  }
  if (live.some(({ nodes }) => live.some(({ id }) => !nodes.some((node) => node.id === id && isKnown(node))))) {
    return { wait: "members are getting to know each other" };
  }
  const late = live.filter(({ timeout }) => timeout !== failover).map(({ place }) => place);
  if (late.length) return { act: "timeout", places: late, failover, say: `auto-failover after ${failover / 1000} s` };
  return assignment(main, known, shards) ?? copying(main, known) ?? spreading(main, known) ?? (lost ? { lost } : null);
}

/** Who has never heard of whom, as [place, place]: each pair once. */
function pairs(live) {
  return live.flatMap((one, index) =>
    live
      .slice(index + 1)
      .filter((other) => !one.nodes.some(({ id, place }) => id === other.id || place === other.place))
      .map((other) => [one.place, other.place]),
  );
}

const machines = (main) => [...new Set(main.map(({ member }) => member))].sort();

/** Parts of the data that nobody has been given yet: only so before a cluster is whole for the first time. */
function assignment(main, known, shards) {
  const view = [...known.values()];
  const taken = view.flatMap(({ ranges }) => ranges);
  if (!gaps(taken, 0, SLOTS - 1).length) return undefined;
  const members = machines(main);
  for (let shard = 0; shard < shards; shard += 1) {
    const from = Math.ceil((shard * SLOTS) / shards);
    const to = Math.ceil(((shard + 1) * SLOTS) / shards) - 1;
    const free = gaps(taken, from, to);
    if (!free.length) continue;
    if (members.length < shards) return { wait: `${members.length} of ${shards} members are there` };
    const begun = view.find(({ ranges }) => ranges.some(([first, last]) => first <= to && last >= from));
    const owns = new Set(view.filter(slotsOf).map(({ id }) => id));
    const blank = main.find(({ id, member, replica }) => member === members[shard] && !replica && !owns.has(id));
    const place = begun?.place ?? blank?.place;
    if (!place) return { wait: `nobody on ${members[shard]} can take a part of the data` };
    return { act: "assign", place, ranges: free, say: `${place} takes part ${shard + 1} of ${shards}` };
  }
  return undefined;
}

function layout(main, known) {
  const owners = main.filter(({ id }) => slotsOf(known.get(id)));
  const copiesOf = (id) => main.filter((one) => known.get(one.id).master === id);
  // A copy that is not the only one elsewhere is as good as idle.
  const spare = (one) => {
    if (slotsOf(known.get(one.id))) return false;
    const master = known.get(one.id).master;
    const owner = owners.find(({ id }) => id === master);
    if (!owner) return true;
    return copiesOf(master).some((other) => other.id !== one.id && other.member !== owner.member && other.synced);
  };
  return { owners, copiesOf, spare };
}

/** Each part of the data has a copy on another machine, as long as there is another. */
function copying(main, known) {
  const { owners, copiesOf, spare } = layout(main, known);
  for (const owner of owners) {
    const elsewhere = copiesOf(owner.id).filter(({ member }) => member !== owner.member);
    if (elsewhere.some(({ synced }) => synced)) continue;
    if (elsewhere.length) return { wait: `a copy of ${owner.place} is being taken` };
    const load = (member) => main.filter((one) => one.member === member && !spare(one)).length;
    const idle = main.filter((one) => one.member !== owner.member && spare(one));
    idle.sort((a, b) => load(a.member) - load(b.member) || (a.place < b.place ? -1 : 1));
    if (idle.length) return replicate(idle[0], owner);
  }
  return undefined;
}

/** No machine serves more parts of the data than it must. */
function spreading(main, known) {
  const { owners, copiesOf, spare } = layout(main, known);
  const members = machines(main);
  const served = (member) => owners.filter((owner) => owner.member === member);
  const most = members.reduce((a, b) => (served(b).length > served(a).length ? b : a));
  const least = members.reduce((a, b) => (served(b).length < served(a).length ? b : a));
  if (served(most).length - served(least).length < 2) return undefined;
  for (const owner of served(most)) {
    const there = copiesOf(owner.id).find(({ member, synced }) => member === least && synced);
    if (there) return { act: "failover", place: there.place, say: `rebalancing: ${there.place} serves for ${owner.place}` };
  }
  const taking = served(most).flatMap(({ id }) => copiesOf(id)).some(({ member, synced }) => member === least && !synced);
  if (taking) return { wait: `a copy is being taken to ${least}` };
  const idle = main.find((one) => one.member === least && spare(one));
  return idle ? replicate(idle, served(most)[0]) : undefined;
}

function replicate(one, owner) {
  return { act: "replicate", place: one.place, of: owner.id, say: `${one.place} takes a copy of ${owner.place}` };
}
