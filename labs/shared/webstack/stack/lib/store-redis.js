// The store on Redis: a single Redis or a Redis Cluster. store.js describes the methods.
import Redis from "ioredis";
import { tagOfEachShard } from "./hash-slots.js";
import { layoutFor } from "./layout.js";
import { parseInfo } from "./redis-cluster-view.js";
import { RedisEntries } from "./redis-entries.js";
import { FIRST_PORT, failFast, withNode, withoutErrorEvents } from "./redis-node.js";

const REPLICA_PATIENCE = 1000; // milliseconds for the replicas to confirm a write
const CLUSTER_TAGS = 256; // hash tags that spread a cluster's values over its nodes

/** What is needed to know about the kind of store: see store.js. */
export const RedisStore = {
  settings: [], // neither password nor bucket

  /** Opens what the first member that answers says it is; without an answer, several addresses mean a cluster. */
  async open(addresses, config) {
    const openCluster = () => new RedisClusterStore(addresses, layoutFor(config.machines));
    for (const address of addresses) {
      try {
        const info = parseInfo(await withNode(address, FIRST_PORT, (redis) => redis.info("cluster")));
        return info.cluster_enabled === "1" ? openCluster() : new SingleRedisStore(address);
      } catch {
        // the next member may answer
      }
    }
    return addresses.length > 1 ? openCluster() : new SingleRedisStore(addresses[0]);
  },

  async isForming(addresses) {
    const requests = addresses.map((address) => withNode(address, FIRST_PORT, (redis) => redis.call("CLUSTER", "INFO")));
    const answered = (await Promise.allSettled(requests)).filter(({ status }) => status === "fulfilled");
    return answered.length > 0 && answered.every(({ value }) => parseInfo(value).cluster_slots_assigned === "0");
  },
};

/** One Redis: a value is stored as soon as it has it. */
class SingleRedisStore extends RedisEntries {
  constructor(host) {
    super(withoutErrorEvents(new Redis({ host, port: FIRST_PORT, ...failFast() })), { tags: 1, probeTags: [0] });
  }
}

/** A cluster: a value is stored when as many replicas on other machines have it as the layout demands. */
class RedisClusterStore extends RedisEntries {
  constructor(addresses, { shards, replicas }) {
    const nodes = addresses.map((host) => ({ host, port: FIRST_PORT }));
    const options = { redisOptions: failFast(), slotsRefreshTimeout: 1000, slotsRefreshInterval: 1000, enableAutoPipelining: true };
    const redis = withoutErrorEvents(new Redis.Cluster(nodes, options));
    super(redis, { tags: CLUSTER_TAGS, probeTags: tagOfEachShard(shards, CLUSTER_TAGS) });
    this.replicas = replicas;
  }

  async write(commands) {
    if (!this.replicas) return super.write(commands);
    const results = await super.write([...commands, ["wait", this.replicas, REPLICA_PATIENCE]]);
    const [, confirmed] = results.at(-1);
    if (confirmed < this.replicas) throw new Error(`${confirmed} of ${this.replicas} replicas have confirmed the write`);
    return results;
  }
}
