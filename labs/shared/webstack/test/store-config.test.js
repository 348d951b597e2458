import assert from "node:assert/strict";
import test from "node:test";
import { exitCodeAfter, parseConfig, readConfig, writeDefaults } from "../stack/lib/store-config.js";
import { etcdServer } from "./lib/etcd-server.js";

test("what etcd has counts, and defaults for the rest, for every program", async (t) => {
  const { etcd, keys } = await etcdServer(t);
  keys.set("/config/couchbase/password", "secret");
  keys.set("/config/couchbase/ram", "64");
  const { config } = await readConfig(etcd);
  assert.deepEqual(config, { password: "secret", bucket: "default", machines: 3, ram: 64 });
});

test("missing keys are written, and no others", async (t) => {
  const { etcd, keys } = await etcdServer(t);
  keys.set("/config/couchbase/nodes", "5");
  assert.deepEqual(await writeDefaults(etcd), ["password", "bucket", "ram"].map((name) => `/config/couchbase/${name}`));
  assert.equal(keys.get("/config/couchbase/nodes"), "5");
  assert.deepEqual(await writeDefaults(etcd), []);
});

test("a value that is no number names its key", () => {
  for (const ram of ["0", "", "500mb", "-1", "1e3"]) {
    assert.throws(() => parseConfig({ nodes: "3", ram }), /\/config\/couchbase\/ram: .* is not a whole number above 0/);
  }
  assert.throws(() => parseConfig({ nodes: "three", ram: "1" }), /\/config\/couchbase\/nodes: three/);
});

test("the conductor exits with 5 when its configuration is deleted, and with 0 to start again when it is changed", () => {
  const codes = ["delete", "compareAndDelete", "expire", "set", "update", "compareAndSwap", "create"].map(exitCodeAfter);
  assert.deepEqual(codes, [5, 5, 5, 0, 0, 0, undefined]);
});
