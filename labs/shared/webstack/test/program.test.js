import assert from "node:assert/strict";
import test from "node:test";
import { runProgram } from "./lib/run-program.js";

const IMPORTS = `import { beforeExit, exit, exitOnSignals, fail, log } from "./stack/lib/program.js";
import { pause } from "./stack/lib/wait.js";
exitOnSignals();
setInterval(() => {}, 1000);
`;

test("a signal has the acts before the exit carried out", async (t) => {
  const program = runProgram(t, `${IMPORTS} beforeExit(async () => { await pause(50); log("released"); }); log("ready");`);
  await program.line("ready");
  program.child.kill("SIGTERM");
  assert.deepEqual(await program.ended, { code: 0, output: "ready\nreleased\n" });
});

test("so has a failure, once, and with its code; an act that fails does not prevent the exit", async (t) => {
  const acts = `beforeExit(() => { throw new Error("no answer"); }); beforeExit(async (code) => log("code " + code));`;
  const program = runProgram(t, `${IMPORTS} ${acts} fail("broken"); exit(0);`);
  assert.deepEqual(await program.ended, { code: 1, output: "broken\ncode 1\nno answer\n" });
});

test("a caller that awaits the exit goes no further", async (t) => {
  const program = runProgram(t, `${IMPORTS} beforeExit(() => pause(50)); await exit(5); log("went on");`);
  assert.deepEqual(await program.ended, { code: 5, output: "" });
});
