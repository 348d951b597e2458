import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { Admin } from "../stack/lib/admin-couchbase.js";
import { CouchbaseConductor } from "../stack/lib/conduct-couchbase.js";

const conductor = new CouchbaseConductor({ machines: 3, failover: 30_000, bucket: "default", ram: 500, password: "p" });
const MEMBERS = ["10.1.1.2", "10.1.2.2", "10.1.3.2"].map((address, index) => ({ name: String(index + 1), address }));
const node = (address, more = {}) => ({
  otpNode: `ns_1@${address}`,
  hostname: `${address}:8091`,
  clusterMembership: "active",
  status: "healthy",
  ...more,
});
const stateOf = (nodes, more = {}, members = MEMBERS) => ({
  members,
  blank: [],
  first: members[0],
  hasBucket: true,
  failoverAfter: 30,
  pool: { nodes, rebalanceStatus: "none", balanced: true },
  ...more,
});
const ALL = MEMBERS.map(({ address }) => node(address));

test("a new cluster is initialised, gets a bucket, automatic failover and its members, and is rebalanced", () => {
  const blank = { members: MEMBERS, blank: MEMBERS, pool: undefined };
  assert.deepEqual(conductor.decide(blank).action, "initialise");
  assert.deepEqual(conductor.decide(stateOf(ALL.slice(0, 1), { hasBucket: false })).replicas, 1);
  assert.deepEqual(conductor.decide(stateOf(ALL.slice(0, 1), { failoverAfter: 120 })).action, "setFailoverAfter");
  assert.deepEqual(conductor.decide(stateOf(ALL.slice(0, 1))).address, "10.1.2.2");
  const added = [ALL[0], node("10.1.2.2", { clusterMembership: "inactiveAdded" }), ALL[2]];
  assert.deepEqual(conductor.decide(stateOf(added)).action, "rebalance");
  assert.equal(conductor.decide(stateOf(ALL)), null);
});

test("a member that is gone is failed over, and removed by the rebalance", () => {
  const members = MEMBERS.slice(0, 2);
  const unhealthy = [ALL[0], ALL[1], node("10.1.3.2", { status: "unhealthy" })];
  assert.deepEqual(conductor.decide(stateOf(unhealthy, {}, members)).node, "ns_1@10.1.3.2");
  const failed = [ALL[0], ALL[1], node("10.1.3.2", { clusterMembership: "inactiveFailed", status: "unhealthy" })];
  const step = conductor.decide(stateOf(failed, {}, members));
  assert.deepEqual([step.action, step.ejected], ["rebalance", ["ns_1@10.1.3.2"]]);
});

test("nothing is done during a rebalance", () => {
  const pool = { nodes: ALL.slice(0, 2), rebalanceStatus: "running", balanced: false };
  assert.deepEqual(conductor.decide(stateOf([], { pool })).wait, "rebalancing");
});

test("a conductor that has lost its lock sends nothing", async () => {
  const step = { action: "addMember", at: "127.0.0.1", address: "10.1.2.2" };
  const requireLock = () => {
    throw new Error("the lock is lost");
  };
  await assert.rejects(conductor.act(step, requireLock), /the lock is lost/);
});

test("requests of the REST administration", async (t) => {
  const requests = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => (body += data));
    request.on("end", () => {
      requests.push(`${request.method} ${request.url} ${body}`);
      response.writeHead(request.url === "/pools/default" ? 404 : 200).end("{}");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  const admin = new Admin("127.0.0.1", "p", server.address().port);
  assert.equal(await admin.pool(), undefined);
  await admin.initialise(500);
  await admin.createBucket(500, 1, "default");
  await admin.rebalance(["a", "b"], ["b"]);
  assert.deepEqual(requests, [
    "GET /pools/default ",
    "POST /clusterInit services=kv%2Cindex%2Cn1ql&memoryQuota=500&username=Administrator&password=p&port=SAME",
    "POST /pools/default/buckets name=default&bucketType=couchbase&ramQuota=500&replicaNumber=1",
    "POST /controller/rebalance knownNodes=a%2Cb&ejectedNodes=b",
  ]);
});
