import assert from "node:assert/strict";
import test from "node:test";
import { ForeignWriteError, OwnKey } from "../stack/lib/own-key.js";
import { etcdServer } from "./lib/etcd-server.js";

test("each write follows the one before; a second writer is refused", async (t) => {
  const { etcd, keys } = await etcdServer(t);
  const mine = new OwnKey(etcd, "/record", undefined);
  await mine.write("1");
  await mine.write("2");
  await assert.rejects(new OwnKey(etcd, "/record", "1").write("3"), ForeignWriteError);
  await assert.rejects(new OwnKey(etcd, "/record", undefined).write("3"), ForeignWriteError);
  assert.equal(keys.get("/record"), "2");
  const next = new OwnKey(etcd, "/record", "2");
  await next.write("3");
  await assert.rejects(mine.write("4"), ForeignWriteError);
  assert.equal(keys.get("/record"), "3");
});

test("a write without an answer may have arrived or not: the next one goes on from either", async (t) => {
  const { etcd, keys } = await etcdServer(t);
  for (const arrives of [true, false]) {
    keys.set("/record", "old");
    let isBroken = true;
    const unreliable = {
      get: (key) => etcd.get(key),
      async set(...args) {
        if (isBroken && !arrives) throw new Error("no answer");
        const result = await etcd.set(...args);
        if (isBroken) throw new Error("no answer");
        return result;
      },
    };
    const key = new OwnKey(unreliable, "/record", "old");
    await assert.rejects(key.write("new"), /no answer/);
    isBroken = false;
    await key.write("newer");
    assert.equal(keys.get("/record"), "newer");
  }
});
