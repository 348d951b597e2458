// Entries in Redis: how keys, values and their order are kept. Nothing here depends on how many nodes there are.
//
// Each value is kept under its key, and sorted sets keep the keys in order. A cluster decides by the part of a name in braces,
// its *hash tag*, which node keeps it; so a value and the set that lists it carry the same tag.

const TRIES = 5; // of a write

export class RedisEntries {
  /**
   * @param {import("ioredis").Redis | import("ioredis").Cluster} redis
   * @param {{ tags: number, probeTags: number[] }} spread the number of hash tags over which values are spread; the tags that
   *   check() tries
   */
  constructor(redis, { tags, probeTags }) {
    this.redis = redis;
    this.tags = tags;
    this.probeTags = probeTags;
  }

  async put(key, value) {
    const tag = this.#tagOf(key);
    const commands = [
      ["set", `{${tag}}:event:${key}`, value],
      ["zadd", `{${tag}}:order`, key, key],
    ];
    for (let triesLeft = TRIES; ; triesLeft -= 1) {
      try {
        return await this.write(commands);
      } catch (error) {
        if (triesLeft <= 1) throw error; // before that: a replica may be syncing or taking over
      }
    }
  }

  async values(keys) {
    const keysByTag = new Map(); // one MGET can only ask for keys with the same tag
    for (const key of keys) {
      const tag = this.#tagOf(key);
      if (!keysByTag.has(tag)) keysByTag.set(tag, []);
      keysByTag.get(tag).push(key);
    }
    const valueByKey = new Map();
    const fetchGroup = async ([tag, group]) => {
      const values = await this.read("mget", group.map((key) => `{${tag}}:event:${key}`));
      group.forEach((key, index) => valueByKey.set(key, values[index]));
    };
    await Promise.all([...keysByTag].map(fetchGroup));
    return keys.map((key) => valueByKey.get(key));
  }

  async keys() {
    const tags = Array.from({ length: this.tags }, (_, tag) => tag);
    const byTag = await Promise.all(tags.map((tag) => this.read("zrange", `{${tag}}:order`, 0, -1)));
    return byTag.flat().map(Number).sort((a, b) => a - b);
  }

  async newest(count) {
    const tags = Array.from({ length: this.tags }, (_, tag) => tag);
    const newestByTag = await Promise.all(tags.map((tag) => this.read("zrevrange", `{${tag}}:order`, 0, count - 1)));
    const keys = newestByTag.flat().map(Number).sort((a, b) => b - a).slice(0, count);
    const values = await this.values(keys);
    return keys.map((key, index) => [key, values[index]]);
  }

  async check() {
    const now = String(Date.now());
    await Promise.all(
      this.probeTags.map(async (tag) => {
        await this.write([["set", `{${tag}}:probe`, now]]);
        if (!(await this.read("get", `{${tag}}:probe`))) throw new Error("a value that was written cannot be read");
      }),
    );
  }

  close() {
    this.redis.disconnect();
  }

  /** Sends commands in one pipeline and returns their results as [error, answer]; throws the first error. */
  async write(commands) {
    const results = await this.redis.pipeline(commands).exec();
    for (const [error] of results) if (error) throw error;
    return results;
  }

  /** Sends one command that reads. A cluster's client has no words of its own for a key that none of the nodes keeps. */
  async read(command, ...words) {
    try {
      return await this.redis[command](...words);
    } catch (error) {
      throw error instanceof TypeError ? new Error("no node of the store serves some of its slots") : error;
    }
  }

  #tagOf(key) {
    return key % this.tags;
  }
}
