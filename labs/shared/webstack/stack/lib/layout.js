// How a store is laid out over machines: what follows from their number.

/**
 * @typedef {object} Layout
 * @property {number} shards parts of the data: each machine serves one
 * @property {number} replicas copies of each shard on other machines: so many machines may be lost
 * @property {number} nodes Redis nodes in each member, so that the machines that are left can hold all shards and replicas
 */

/**
 * With N machines at most (N-1)/2 replicas make sense: a majority must be left to decide what is right.
 * @param {number} machines
 * @returns {Layout}
 */
export function layoutFor(machines) {
  const replicas = Math.floor((machines - 1) / 2);
  return { shards: machines, replicas, nodes: Math.ceil((machines * (1 + replicas)) / (machines - replicas)) };
}
