// The store on one Redis: each value under its key, and a sorted set that knows the order of the keys.
import Redis from "ioredis";

const PORT = 8091;
const PATIENCE = 2000; // milliseconds
const ORDER = "order";

export class RedisStore {
  constructor([address]) {
    this.redis = new Redis({
      host: address,
      port: PORT,
      connectTimeout: PATIENCE,
      commandTimeout: PATIENCE,
      maxRetriesPerRequest: 0,
    });
    this.redis.on("error", () => {}); // each command says it by itself
  }

  async put(key, value) {
    const done = await this.redis.multi().set(`event:${key}`, value).zadd(ORDER, key, key).exec();
    for (const [error] of done) if (error) throw error;
  }

  /** The newest `count` as [key, value], newest first. */
  async newest(count) {
    const keys = await this.redis.zrevrange(ORDER, 0, count - 1);
    if (!keys.length) return [];
    const values = await this.redis.mget(keys.map((key) => `event:${key}`));
    return keys.map((key, index) => [Number(key), values[index]]);
  }

  close() {
    this.redis.disconnect();
  }
}
