// Runs a text as a Node program of its own, for what ends a program.
import { spawn } from "node:child_process";

/** Starts a program that may import from "./stack/...": the process; `line(text)` waits for its output, `ended` has its code. */
export function runProgram(t, text) {
  const cwd = new URL("../../", import.meta.url);
  const child = spawn(process.execPath, ["--input-type=module", "--eval", text], { cwd });
  t.after(() => child.kill("SIGKILL"));
  let output = "";
  child.stderr.on("data", (data) => (output += data));
  child.stdout.on("data", (data) => (output += data));
  const ended = new Promise((resolve) => child.on("close", (code) => resolve({ code, output })));
  const line = (wanted) =>
    new Promise((resolve, reject) => {
      const look = () => output.includes(wanted) && resolve();
      child.stdout.on("data", look);
      child.on("close", () => reject(new Error(`the program has ended without ${wanted}: ${output}`)));
      look();
    });
  return { child, line, ended };
}
