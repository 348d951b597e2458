import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { Etcd, etcdBeside } from "../stack/lib/etcd.js";

/**
 * A client of a server that answers like etcd: `replies` maps a URL to [status, body]. With `beginsAt`, other requests get the
 * beginning of an answer, as a watch does, with that index; without it they wait for ever.
 */
async function clientOf(t, replies, { beginsAt, ...options } = {}) {
  const server = createServer((request, response) => {
    const reply = replies[request.url];
    if (reply) response.writeHead(reply[0], { "x-etcd-index": "10" }).end(JSON.stringify(reply[1]));
    else if (beginsAt) response.writeHead(200, { "x-etcd-index": String(beginsAt) }).flushHeaders();
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return new Etcd(`http://127.0.0.1:${server.address().port}`, options);
}

test("etcd is at the first address of the subnet", () => {
  assert.equal(etcdBeside("10.1.69.3"), "http://10.1.69.1:2379");
});

test("a folder's values come with etcd's index", async (t) => {
  const nodes = [{ key: "/s/1", value: "a" }, { key: "/s/d", dir: true, nodes: [{ key: "/s/d/2", value: "b" }] }];
  const etcd = await clientOf(t, { "/v2/keys/s?recursive=true&sorted=true": [200, { node: { dir: true, nodes } }] });
  assert.deepEqual(await etcd.values("/s"), { values: ["a", "b"], index: 10 });
});

test("a folder that does not exist has no values", async (t) => {
  const etcd = await clientOf(t, { "/v2/keys/s?recursive=true&sorted=true": [404, { errorCode: 100 }] });
  assert.deepEqual(await etcd.values("/s"), { values: [], index: 10 });
});

test("a key comes with the index of the set that made it", async (t) => {
  const etcd = await clientOf(t, {
    "/v2/keys/s": [200, { node: { key: "/s", value: "a", createdIndex: 7, modifiedIndex: 9 } }],
    "/v2/keys/none": [404, { errorCode: 100 }],
  });
  assert.deepEqual(await etcd.read("/s"), { value: "a", created: 7 });
  assert.equal(await etcd.read("/none"), undefined);
  assert.equal(await etcd.get("/none"), undefined);
});

test("a watch reports each change once, and changes that etcd no longer keeps as one set", async (t) => {
  const wait = (index) => `/v2/keys/s?wait=true&recursive=true&waitIndex=${index}`;
  const etcd = await clientOf(t, {
    [wait(11)]: [200, { action: "update", node: { value: "a", modifiedIndex: 12 } }],
    [wait(13)]: [200, { action: "expire", node: { modifiedIndex: 20 } }],
    [wait(21)]: [400, { errorCode: 401, index: 3000 }],
    [wait(3001)]: [200, { action: "set", node: { value: "b", modifiedIndex: 3005 } }],
  });
  const changes = [];
  await etcd.watch("/s", 10, (action, node) => changes.push([action, node.value]) < 4);
  assert.deepEqual(changes, [["update", "a"], ["expire", undefined], ["set", undefined], ["set", "b"]]);
});

test("a watch without a change goes on from the index at which it began, which etcd still has", async (t) => {
  const replies = { "/v2/keys/s?wait=true&recursive=true&waitIndex=2001": [200, { action: "set", node: { modifiedIndex: 2005 } }] };
  const etcd = await clientOf(t, replies, { beginsAt: 2000, watchLimit: 200 });
  const changes = [];
  await etcd.watch("/s", 10, (action) => changes.push(action) < 1);
  assert.deepEqual(changes, ["set"]);
});
