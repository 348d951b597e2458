// A shard changes its owner while both nodes live, without losing a write.
//
// CLUSTER FAILOVER does that, too, but asks the other owners for their votes. Each of them votes about a shard only once in two
// of its time limits (`cluster-node-timeout`), and a replica that was refused asks again after four. So a shard whose new owner
// dies would wait for two minutes until it could move again. Votes are for replicas that decide by themselves; here one
// conductor decides, by its lock. What is left is what Redis does between the votes: the owner stops writes, the replica
// receives the rest of them, and takes over.
import { parseInfo } from "./redis-cluster-view.js";
import { waitUntil } from "./wait.js";

const PAUSED = 10_000; // milliseconds for which the owner stops writes; that ends by itself, whatever becomes of the conductor
const TAKES_OVER_WITHIN = 4; // seconds: well before the end of the pause
const LIMIT = 3000; // milliseconds for the replica to receive the rest, and for the owner to learn of its successor
const INTERVAL = 50; // milliseconds between two looks

// Who is late must not take over: by then the owner accepts writes again. The replica's own clock decides when it carries the
// command out, however long that was on its way or its machine stood still.
const TAKE_OVER = `
  if tonumber(redis.call("TIME")[1]) > tonumber(ARGV[1]) then return 0 end
  redis.call("CLUSTER", "FAILOVER", "TAKEOVER")
  return 1`;

/**
 * The replica at `to` takes over from its owner at `from`. Where it cannot within the limits, nothing has changed. Where a command
 * fails, it may still be carried out for a while, so the pause is left to end by itself.
 *
 * @param {(place: string, ...words: string[]) => Promise<any>} ask sends a command to a node
 * @param {typeof ask} send the same for commands that change something: it throws when the conductor has lost its lock
 */
export async function handOver({ from, to }, ask, send) {
  const replication = async (place) => parseInfo(await ask(place, "INFO", "replication"));
  const [now] = await ask(to, "TIME");
  await send(from, "CLIENT", "PAUSE", String(PAUSED), "WRITE");
  const written = Number((await replication(from)).master_repl_offset);
  const hasAll = async () => Number((await replication(to)).slave_repl_offset) >= written;
  if (await waitUntil(hasAll, { limit: LIMIT, interval: INTERVAL })) {
    const tookOver = await send(to, "EVAL", TAKE_OVER, "0", String(Number(now) + TAKES_OVER_WITHIN));
    const isReplaced = async () => (await replication(from)).role === "slave";
    if (tookOver) await waitUntil(isReplaced, { limit: LIMIT, interval: INTERVAL });
  }
  await send(from, "CLIENT", "UNPAUSE");
}
