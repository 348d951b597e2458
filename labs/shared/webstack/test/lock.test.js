import assert from "node:assert/strict";
import test from "node:test";
import { Lock } from "../stack/lib/lock.js";
import { waitUntil } from "../stack/lib/wait.js";
import { etcdServer } from "./lib/etcd-server.js";
import { runProgram } from "./lib/run-program.js";

const eventually = (condition) => waitUntil(condition, { limit: 60_000, interval: 5 });

test("a holder stops acting before its lock expires, and goes on when etcd answers again", async (t) => {
  const server = await etcdServer(t);
  // It may act for 200 ms after a renewal: the lock expires 800 ms later.
  const lock = new Lock(server.etcd, "/lock", "me", { ttl: 1, margin: 800, renewInterval: 20 });
  server.locks.push(lock);
  await lock.hold();
  assert.ok(await eventually(() => lock.isHeld));
  server.isSilent = true;
  assert.ok(await eventually(() => !lock.isHeld));
  assert.throws(() => lock.require(), /not renewed/);
  server.isSilent = false;
  assert.ok(await eventually(() => lock.isHeld));
});

test("a lock that has expired meanwhile is taken again, unless another program has it", async (t) => {
  const server = await etcdServer(t);
  const lock = new Lock(server.etcd, "/lock", "me", { renewInterval: 10 });
  server.locks.push(lock);
  await lock.hold();
  server.keys.delete("/lock");
  assert.ok(await eventually(() => server.keys.get("/lock") === "me"));
});

test("a second program waits until the lock is released", async (t) => {
  const server = await etcdServer(t);
  const first = new Lock(server.etcd, "/lock", "first");
  const second = new Lock(server.etcd, "/lock", "second");
  server.locks.push(first, second);
  await first.hold();
  let hasSecond = false;
  const waiting = second.hold().then(() => (hasSecond = true));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([hasSecond, second.isHeld], [false, false]);
  await first.release();
  assert.equal(first.isHeld, false);
  await waiting;
  assert.equal(server.keys.get("/lock"), "second");
});

test("a lock that another program holds is not released", async (t) => {
  const server = await etcdServer(t);
  server.keys.set("/lock", "another");
  await new Lock(server.etcd, "/lock", "me").release();
  assert.equal(server.keys.get("/lock"), "another");
});

const holder = (url, more = "") => `
import { Etcd } from "./stack/lib/etcd.js";
import { Lock } from "./stack/lib/lock.js";
import { exitOnSignals, fail, log } from "./stack/lib/program.js";
exitOnSignals();
const lock = new Lock(new Etcd("${url}"), "/lock", "me", { renewInterval: 20 });
await lock.hold();
log("holds");
${more}`;

for (const [reason, end] of [["a signal", (program) => program.child.kill("SIGTERM")], ["a failure", () => {}]]) {
  test(`a program that ends by ${reason} leaves no lock behind`, async (t) => {
    const server = await etcdServer(t);
    const program = runProgram(t, holder(server.url, reason === "a failure" ? 'fail("broken");' : ""));
    await program.line("holds");
    end(program);
    await program.ended;
    assert.equal(server.keys.has("/lock"), false);
  });
}

test("a program whose lock another one has taken exits, and leaves it alone", async (t) => {
  const server = await etcdServer(t);
  const program = runProgram(t, holder(server.url));
  await program.line("holds");
  server.keys.set("/lock", "another");
  const { code, output } = await program.ended;
  assert.equal(code, 1);
  assert.match(output, /another program has taken the lock/);
  assert.equal(server.keys.get("/lock"), "another");
});
