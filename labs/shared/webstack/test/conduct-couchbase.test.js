import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { Admin } from "../lib/admin-couchbase.js";
import { decide } from "../lib/conduct-couchbase.js";

const CONFIG = { shards: 3, failover: 30_000, bucket: "default", ram: 500 };
const MEMBERS = ["10.1.1.2", "10.1.2.2", "10.1.3.2"].map((address, index) => ({ name: String(index + 1), address }));
const node = (address, more = {}) => ({
  otpNode: `ns_1@${address}`,
  hostname: `${address}:8091`,
  clusterMembership: "active",
  status: "healthy",
  ...more,
});
const seen = (nodes, more = {}, members = MEMBERS) => ({
  members,
  blank: [],
  first: members[0],
  bucket: true,
  failover: 30,
  pool: { nodes, rebalanceStatus: "none", balanced: true },
  ...more,
});
const ALL = MEMBERS.map(({ address }) => node(address));

test("a new cluster: initialised, a bucket, auto-failover, members, and a rebalance", () => {
  const blank = { members: MEMBERS, blank: MEMBERS, pool: undefined };
  assert.deepEqual(decide(blank, CONFIG).act, "initialise");
  assert.deepEqual(decide(seen(ALL.slice(0, 1), { bucket: false }), CONFIG).replicas, 1);
  assert.deepEqual(decide(seen(ALL.slice(0, 1), { failover: 120 }), CONFIG).act, "setFailoverAfter");
  assert.deepEqual(decide(seen(ALL.slice(0, 1)), CONFIG).address, "10.1.2.2");
  const added = [ALL[0], node("10.1.2.2", { clusterMembership: "inactiveAdded" }), ALL[2]];
  assert.deepEqual(decide(seen(added), CONFIG).act, "rebalance");
  assert.equal(decide(seen(ALL), CONFIG), null);
});

test("a member that is gone is failed over, and goes with the rebalance", () => {
  const members = MEMBERS.slice(0, 2);
  const ill = [ALL[0], ALL[1], node("10.1.3.2", { status: "unhealthy" })];
  assert.deepEqual(decide(seen(ill, {}, members), CONFIG).node, "ns_1@10.1.3.2");
  const failed = [ALL[0], ALL[1], node("10.1.3.2", { clusterMembership: "inactiveFailed", status: "unhealthy" })];
  const step = decide(seen(failed, {}, members), CONFIG);
  assert.deepEqual([step.act, step.ejected], ["rebalance", ["ns_1@10.1.3.2"]]);
});

test("nothing is done while it rebalances", () => {
  const pool = { nodes: ALL.slice(0, 2), rebalanceStatus: "running", balanced: false };
  assert.deepEqual(decide(seen([], { pool }), CONFIG).wait, "rebalancing");
});

test("what is asked over REST", async (t) => {
  const asked = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      asked.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(request.url === "/pools/default" ? 404 : 200).end("{}");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const admin = new Admin("127.0.0.1", "p", server.address().port);
  assert.equal(await admin.pool(), undefined);
  await admin.initialise(500);
  await admin.createBucket(500, 1);
  await admin.rebalance(["a", "b"], ["b"]);
  assert.deepEqual(asked, [
    "GET /pools/default ",
    "POST /clusterInit services=kv%2Cindex%2Cn1ql&memoryQuota=500&username=Administrator&password=p&port=SAME",
    "POST /pools/default/buckets name=default&bucketType=couchbase&ramQuota=500&replicaNumber=1",
    "POST /controller/rebalance knownNodes=a%2Cb&ejectedNodes=b",
  ]);
});
