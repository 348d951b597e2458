import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { Etcd, etcdBeside } from "../lib/etcd.js";

/** Answers as etcd does: `replies` maps a URL to [status, body]; what is not in it waits for ever. */
async function answering(t, replies) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const reply = replies[request.url];
    if (reply) response.writeHead(reply[0], { "x-etcd-index": "10" }).end(JSON.stringify(reply[1]));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => (server.closeAllConnections(), server.close()));
  return { etcd: new Etcd(`http://127.0.0.1:${server.address().port}`), asked };
}

test("etcd is at the first address of the subnet", () => {
  assert.equal(etcdBeside("10.1.69.3"), "http://10.1.69.1:2379");
});

test("a folder's values come with the index at which they were so", async (t) => {
  const nodes = [{ key: "/s/1", value: "a" }, { key: "/s/d", dir: true, nodes: [{ key: "/s/d/2", value: "b" }] }];
  const { etcd } = await answering(t, { "/v2/keys/s?recursive=true&sorted=true": [200, { node: { dir: true, nodes } }] });
  assert.deepEqual(await etcd.values("/s"), { values: ["a", "b"], index: 10 });
});

test("a folder that is not there has no values", async (t) => {
  const { etcd } = await answering(t, { "/v2/keys/s?recursive=true&sorted=true": [404, { errorCode: 100 }] });
  assert.deepEqual(await etcd.values("/s"), { values: [], index: 10 });
});

test("a watch hears each change once, and that of which etcd has no memory as a set", async (t) => {
  const wait = (index) => `/v2/keys/s?wait=true&recursive=true&waitIndex=${index}`;
  const { etcd } = await answering(t, {
    [wait(11)]: [200, { action: "update", node: { value: "a", modifiedIndex: 12 } }],
    [wait(13)]: [200, { action: "expire", node: { modifiedIndex: 20 } }],
    [wait(21)]: [400, { errorCode: 401, index: 3000 }],
    [wait(3001)]: [200, { action: "set", node: { value: "b", modifiedIndex: 3005 } }],
  });
  const heard = [];
  await etcd.watch("/s", 10, (action, node) => heard.push([action, node.value]) < 4);
  assert.deepEqual(heard, [["update", "a"], ["expire", undefined], ["set", undefined], ["set", "b"]]);
});
