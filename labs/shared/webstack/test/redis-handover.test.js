import assert from "node:assert/strict";
import test from "node:test";
import { handOver } from "../stack/lib/redis-handover.js";

/** Two nodes of a cluster: the owner has written up to 100, the replica receives 40 more with each look at it. */
class Pair {
  log = [];
  offset = 0;
  now = 1000;
  isReplaced = false;

  ask = async (place, ...words) => {
    this.log.push(`${place} ${words.slice(0, 2).join(" ")}`);
    if (words[0] === "TIME") return [String(this.now), "0"];
    if (words[0] === "INFO" && place === "owner") return `role:${this.isReplaced ? "slave" : "master"}\r\nmaster_repl_offset:100\r\n`;
    if (words[0] === "INFO") return `role:slave\r\nslave_repl_offset:${(this.offset += 40)}\r\n`;
    if (words[0] === "EVAL") {
      this.latest = Number(words[3]);
      this.isReplaced = this.now <= this.latest;
      return Number(this.isReplaced);
    }
    return "OK";
  };

  run = () => handOver({ from: "owner", to: "replica" }, this.ask, this.ask);
  count = (line) => this.log.filter((each) => each.startsWith(line)).length;
}

test("the replica takes over when it has all that was written before the pause", async () => {
  const pair = new Pair();
  await pair.run();
  assert.deepEqual(pair.log.slice(0, 3), ["replica TIME", "owner CLIENT PAUSE", "owner INFO replication"]);
  assert.equal(pair.offset, 120);
  assert.equal(pair.latest, 1004);
  assert.equal(pair.isReplaced, true);
  assert.equal(pair.log.at(-1), "owner CLIENT UNPAUSE");
});

test("a replica that stays behind does not take over, and the owner accepts writes again", async (t) => {
  const pair = new Pair();
  let clock = 0;
  t.mock.method(Date, "now", () => (clock += 1000));
  Object.defineProperty(pair, "offset", { get: () => 0, set: () => {} });
  await pair.run();
  assert.equal(pair.count("replica EVAL"), 0);
  assert.equal(pair.log.at(-1), "owner CLIENT UNPAUSE");
});

test("a replica that was asked too late refuses", async () => {
  const pair = new Pair();
  const { ask } = pair;
  pair.ask = (place, ...words) => {
    if (words[0] === "EVAL") pair.now += 5;
    return ask(place, ...words);
  };
  await pair.run();
  assert.equal(pair.isReplaced, false);
  assert.equal(pair.log.at(-1), "owner CLIENT UNPAUSE");
});

test("while nobody knows whether the replica takes over, the owner stays paused", async () => {
  const pair = new Pair();
  const { ask } = pair;
  pair.ask = (place, ...words) => {
    if (words[0] === "EVAL") throw new Error("no answer");
    return ask(place, ...words);
  };
  await assert.rejects(pair.run(), /no answer/);
  assert.equal(pair.count("owner CLIENT UNPAUSE"), 0);
});
