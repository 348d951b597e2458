// The store on Redis, on one alone or on a cluster: each value under its key, and sorted sets that know the keys' order.
//
// In a cluster a value counts as stored when a second machine has it, too (WAIT 1). Values and sets that go together have
// the same {tag}, and so one place.
import Redis from "ioredis";

export const PORTS = [8091, 8092, 8093]; // of a cluster's member; one alone is at the first
const PATIENCE = 2000; // milliseconds
const COPIED = 1000; // milliseconds for a second machine to have it
const TRIES = 5;
const TAGS = 256; // over which a cluster's values are spread
const PROBES = [3, 1, 0]; // tags whose slots are in the first, second and last third of all
const QUICK = { connectTimeout: PATIENCE, commandTimeout: PATIENCE, maxRetriesPerRequest: 0 };

/** A connection that neither waits nor tries again: `act` is told the truth, or fails. */
export async function asking(host, port, act, patience = PATIENCE) {
  const redis = new Redis({ host, port, ...QUICK, connectTimeout: patience, commandTimeout: patience, retryStrategy: null });
  redis.on("error", () => {}); // each command says it by itself
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** The lines `name:value` of Redis's INFO and of CLUSTER INFO. */
export function fields(text) {
  return Object.fromEntries(text.split("\r\n").filter((line) => line.includes(":")).map((line) => line.split(/:(.*)/)));
}

export class RedisStore {
  static async open(addresses) {
    for (const address of addresses) {
      try {
        const info = fields(await asking(address, PORTS[0], (redis) => redis.info("cluster")));
        return new RedisStore(addresses, info.cluster_enabled === "1");
      } catch {
        // the next one may answer
      }
    }
    return new RedisStore(addresses, addresses.length > 1);
  }

  /** Whether members are there, and none of them knows of any data's place. */
  static async isForming(addresses) {
    const asked = addresses.map((address) => asking(address, PORTS[0], (redis) => redis.call("CLUSTER", "INFO")));
    const told = (await Promise.allSettled(asked)).filter(({ status }) => status === "fulfilled");
    return told.length > 0 && told.every(({ value }) => fields(value).cluster_slots_assigned === "0");
  }

  constructor(addresses, cluster) {
    this.copies = cluster ? 1 : 0;
    this.tags = cluster ? TAGS : 1;
    this.redis = cluster
      ? new Redis.Cluster(
          addresses.flatMap((host) => PORTS.map((port) => ({ host, port }))),
          { redisOptions: QUICK, slotsRefreshTimeout: 1000, slotsRefreshInterval: 1000, enableAutoPipelining: true },
        )
      : new Redis({ host: addresses[0], port: PORTS[0], ...QUICK });
    this.redis.on("error", () => {}); // each command says it by itself
  }

  async put(key, value) {
    const tag = key % this.tags;
    const commands = [
      ["set", `{${tag}}:event:${key}`, value],
      ["zadd", `{${tag}}:order`, key, key],
    ];
    for (let left = TRIES; ; left -= 1) {
      try {
        return await this.#written(commands);
      } catch (error) {
        if (left <= 1) throw error; // a copy may be in the making, or another may be taking over
      }
    }
  }

  async #written(commands) {
    const waiting = this.copies ? [["wait", this.copies, COPIED]] : [];
    const done = await this.redis.pipeline([...commands, ...waiting]).exec();
    for (const [error] of done) if (error) throw error;
    if (this.copies && done.at(-1)[1] < this.copies) throw new Error("no second machine has it");
  }

  /** The values of keys, in their order; null where there is none. */
  async values(keys) {
    const groups = new Map(); // by tag, since one question can only be about one place
    for (const key of keys) {
      const tag = key % this.tags;
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(key);
    }
    const found = new Map();
    const ask = async ([tag, group]) => {
      const values = await this.redis.mget(group.map((key) => `{${tag}}:event:${key}`));
      group.forEach((key, index) => found.set(key, values[index]));
    };
    await Promise.all([...groups].map(ask));
    return keys.map((key) => found.get(key));
  }

  /** The newest `count` as [key, value], newest first. */
  async newest(count) {
    const tags = Array.from({ length: this.tags }, (_, tag) => tag);
    const found = await Promise.all(tags.map((tag) => this.redis.zrevrange(`{${tag}}:order`, 0, count - 1)));
    const keys = found.flat().map(Number).sort((a, b) => b - a).slice(0, count);
    const values = await this.values(keys);
    return keys.map((key, index) => [key, values[index]]);
  }

  /** Writes and reads on every part of the store; throws where one of them does not serve. */
  async check() {
    const now = String(Date.now());
    await Promise.all(
      (this.copies ? PROBES : [0]).map(async (tag) => {
        await this.#written([["set", `{${tag}}:probe`, now]]);
        if (!(await this.redis.get(`{${tag}}:probe`))) throw new Error("what was written is not there");
      }),
    );
  }

  close() {
    this.redis.disconnect();
  }
}
