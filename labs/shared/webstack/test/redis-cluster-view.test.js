import assert from "node:assert/strict";
import test from "node:test";
import { gaps, parseNodes, placesElsewhere } from "../stack/lib/redis-cluster-view.js";

test("CLUSTER NODES is parsed", () => {
  const text = [
    "aa 10.1.1.2:8091@18091,name myself,master - 0 0 1 connected 0-5461 5470 [5000->-bb]",
    "bb 10.1.2.2:8092@18092 slave,fail aa 0 0 1 disconnected\n",
  ].join("\n");
  assert.deepEqual(parseNodes(text), [
    { id: "aa", place: "10.1.1.2:8091", flags: ["myself", "master"], master: "", ranges: [[0, 5461], [5470, 5470]] },
    { id: "bb", place: "10.1.2.2:8092", flags: ["slave", "fail"], master: "aa", ranges: [] },
  ]);
});

test("gaps between ranges", () => {
  assert.deepEqual(gaps([], 0, 9), [[0, 9]]);
  assert.deepEqual(gaps([[5, 6], [0, 2]], 0, 9), [[3, 4], [7, 9]]);
  assert.deepEqual(gaps([[0, 20]], 3, 9), []);
});

test("nodes that the cluster knows and that are not announced are found by their peers' reports", () => {
  const peers = [["a:8091", 1], ["b:8091", 1], [":0", 1], ["c:8093", 0]].map(([place, slots]) => ({ place, ranges: slots ? [[0, 9]] : [] }));
  const elsewhere = [{ place: "b:8091", isOwner: true }, { place: "c:8093", isOwner: false }];
  assert.deepEqual(placesElsewhere([{ peers }, { peers }], [{ place: "a:8091" }]), elsewhere);
});
