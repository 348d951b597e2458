// One Redis node, asked directly.
import Redis from "ioredis";

export const FIRST_PORT = 8091; // of a single Redis, and of the first node in a member of a cluster; the next ones follow
const PATIENCE = 2000; // milliseconds for an answer

/** Connection options with which a command fails after `patience` milliseconds instead of being repeated. */
export const failFast = (patience = PATIENCE) => ({ connectTimeout: patience, commandTimeout: patience, maxRetriesPerRequest: 0 });

/** Errors of a connection are ignored: every command that fails because of them reports its own. */
export function withoutErrorEvents(redis) {
  return redis.on("error", () => {});
}

/** Connects to a node, returns what `ask` returns, and disconnects. Throws when the node does not answer. */
export async function withNode(host, port, ask, patience = PATIENCE) {
  const redis = withoutErrorEvents(new Redis({ host, port, ...failFast(patience), retryStrategy: null }));
  try {
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}
