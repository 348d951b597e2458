// What the nodes of a Redis Cluster report, put together into one view. conduct-redis-plan.js explains the words.
/** Parses the output of CLUSTER NODES. `ranges` are [first, last] slots, `master` is "" for a node that replicates no other. */
export function parseNodes(text) {
  return text.trim().split("\n").filter(Boolean).map((line) => {
    const [id, address, flags, master, , , , , ...slots] = line.trim().split(" ");
    const ranges = slots.filter((slot) => !slot.startsWith("[")).map((slot) => {
      const [first, last = first] = slot.split("-").map(Number);
      return [first, last];
    });
    return { id, place: address.split("@")[0], flags: flags.split(","), master: master === "-" ? "" : master, ranges };
  });
}

/** Parses the `name:value` lines of INFO and of CLUSTER INFO. */
export function parseInfo(text) {
  return Object.fromEntries(text.split("\r\n").filter((line) => line.includes(":")).map((line) => line.split(/:(.*)/)));
}

/** The slots from `first` to `last` that none of the ranges covers, as ranges. */
export function gaps(ranges, first, last) {
  const uncovered = [];
  let next = first;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (to < next || from > last) continue;
    if (from > next) uncovered.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= last) uncovered.push([next, last]);
  return uncovered;
}

export const hostOf = (place) => place.slice(0, place.lastIndexOf(":"));

/**
 * The nodes that the reports know as part of the cluster and that belong to no announced member: each one's place, and whether
 * it is an owner.
 */
export function placesElsewhere(reports, announced) {
  const known = new Set(announced.map(({ place }) => place));
  const peers = reports.flatMap((report) => report.peers).filter(({ place }) => hostOf(place));
  const owners = new Set(peers.filter(slotCount).map(({ place }) => place));
  const places = new Set(peers.map(({ place }) => place).filter((place) => !known.has(place)));
  return [...places].map((place) => ({ place, isOwner: owners.has(place) }));
}

export const slotCount = (peer) => peer.ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
const isHandshaking = (peer) => peer.flags.includes("handshake");
export const isConnected = (peer) => !isHandshaking(peer) && !peer.flags.includes("noaddr");
export const byPlace = (a, b) => (a.place < b.place ? -1 : 1);

/**
 * One view of the cluster, made of the nodes' reports:
 *   reports  all nodes that answer, each with its `peers`: the nodes that it knows, itself included. Of nodes that are not
 *            announced only those that belong to the cluster: without a key they are not dead, and keep what they have
 *   silent   the places of announced nodes that do not answer
 *   inside   the reports of nodes that belong to the cluster
 *   peers    the cluster's nodes by id, with what is known about each
 *   gone     the cluster's nodes that no longer exist, with the slots that no other node serves by now
 */
export function viewOf({ reports: allReports, silent }) {
  const reference = referenceOf(allReports.filter(({ isAnnounced }) => isAnnounced));
  const reports = allReports.filter(({ id, isAnnounced }) => isAnnounced || reference?.peers.some((peer) => peer.id === id));
  const peers = new Map(reference?.peers.filter(isConnected).map((peer) => [peer.id, peer]));
  const inside = reports.filter(({ id }) => peers.has(id));
  // A node's report about itself is current; what others say about it may be a second old.
  for (const { id, place, peers: ownView } of inside) {
    peers.set(id, { ...ownView.find(({ flags }) => flags.includes("myself")), place });
  }
  const answering = new Set(reports.map(({ id }) => id));
  const served = inside.flatMap(({ id }) => peers.get(id).ranges);
  // A silent node may only be slow. Until its announcement has expired, it does not count as gone.
  const gone = (reference?.peers ?? [])
    .filter((peer) => !isHandshaking(peer) && !answering.has(peer.id) && !silent.includes(peer.place))
    .map((peer) => ({ ...peer, ranges: peer.ranges.flatMap(([from, to]) => gaps(served, from, to)) }));
  return { reports, silent, inside, peers, gone };
}

/** The report to trust: of the node that most others know. A node that returns with old data is known only to itself. */
function referenceOf(reports) {
  const votes = ({ id }) => reports.filter(({ peers }) => peers.some((peer) => peer.id === id && isConnected(peer))).length;
  const knownSlots = ({ peers }) => peers.reduce((sum, peer) => sum + slotCount(peer), 0);
  return [...reports].sort((a, b) => votes(b) - votes(a) || knownSlots(b) - knownSlots(a) || byPlace(a, b))[0];
}
