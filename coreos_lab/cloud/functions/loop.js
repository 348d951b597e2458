// Runs a function's handler: asks the Runtime API for events, one at a time, and gives results and errors back.
//
// Source: "Using the Lambda runtime API for custom runtimes" and "AWS Lambda context object in Node.js" in AWS's
// developer guide. A handler may be async, call back (its third parameter), or use context.done, succeed and fail.
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");
const { pathToFileURL } = require("url");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const SUFFIXES = [".js", ".mjs", ".cjs"];

function ask(method, place, body, headers) {
  return new Promise((resolve, reject) => {
    const options = { host, port, agent, method, path: "/2018-06-01/runtime" + place, headers };
    const request = http.request(options, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts) }));
    });
    request.on("error", reject);
    request.end(body);
  });
}

// Answers. By then all that the function has printed is in its pipe, which is written to in the background.
async function tell(place, body, headers) {
  const written = (stream) => new Promise((resolve) => stream.write("", resolve));
  await Promise.all([written(process.stdout), written(process.stderr)]);
  return ask("POST", place, body, headers);
}

function told(error, type) {
  if (!(error instanceof Error)) {
    const text = typeof error === "string" ? error : JSON.stringify(error);
    return { errorType: type || typeof error, errorMessage: String(text), trace: [] };
  }
  const trace = String(error.stack || "").split("\n");
  return { errorType: type || error.name, errorMessage: error.message, trace };
}

function typed(type, message) {
  const error = new Error(message);
  error.name = type;
  return error;
}

async function load(root, handler) {
  const place = /^(.*?)([^/]*?)\.([^/]+)$/.exec(handler);
  if (!place) throw typed("Runtime.MalformedHandlerName", `Bad handler ${handler}: it is FILE.FUNCTION`);
  const [, folder, file, names] = place;
  const base = path.resolve(root, folder, file);
  const suffix = SUFFIXES.find((each) => fs.existsSync(base + each));
  if (!suffix) throw typed("Runtime.ImportModuleError", `Error: Cannot find module '${file}'`);
  let found;
  try {
    found = suffix === ".mjs" ? await import(pathToFileURL(base + suffix)) : require(base + suffix);
  } catch (error) {
    if (error instanceof SyntaxError) error.name = "Runtime.UserCodeSyntaxError";
    else if (error.code === "MODULE_NOT_FOUND") error.name = "Runtime.ImportModuleError";
    throw error;
  }
  for (const name of names.split(".")) found = found && found[name];
  if (typeof found !== "function") {
    throw typed("Runtime.HandlerNotFound", `${handler} is undefined or not exported`);
  }
  return found;
}

function call(handler, event, headers) {
  return new Promise((resolve, reject) => {
    // When nothing is left to wait for and the handler has not called back, that is the end of it.
    process.removeAllListeners("beforeExit").once("beforeExit", () => resolve(null));
    const back = (error, result) => (error ? reject(error) : resolve(result));
    const deadline = Number(headers["lambda-runtime-deadline-ms"]);
    const context = {
      awsRequestId: headers["lambda-runtime-aws-request-id"],
      invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
      memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      callbackWaitsForEmptyEventLoop: true,
      getRemainingTimeInMillis: () => deadline - Date.now(),
      done: back,
      succeed: (result) => resolve(result),
      fail: (error) => reject(error || new Error("handled")),
    };
    const result = handler(event, context, back);
    if (result && typeof result.then === "function") result.then(resolve, reject);
  });
}

async function main() {
  let handler;
  let current = null;
  const end = async (error, type) => {
    const place = current ? `/invocation/${current}/error` : "/init/error";
    const said = told(error, type);
    console.error(`${type || said.errorType}\t${JSON.stringify(said)}`);
    await tell(place, JSON.stringify(said), { "Lambda-Runtime-Function-Error-Type": said.errorType });
    process.exit(1);
  };
  process.on("uncaughtException", (error) => end(error, error instanceof Error ? "" : "Runtime.UnhandledException"));
  process.on("unhandledRejection", (error) => end(error, "Runtime.UnhandledPromiseRejection"));
  try {
    handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    await end(error, "");
    return;
  }
  for (;;) {
    const next = await ask("GET", "/invocation/next");
    const id = (current = next.headers["lambda-runtime-aws-request-id"]);
    let answer;
    try {
      const result = await call(handler, JSON.parse(next.body.toString()), next.headers);
      const text = JSON.stringify(result === undefined ? null : result);
      answer = await tell(`/invocation/${id}/response`, text === undefined ? "null" : text);
    } catch (error) {
      const said = told(error, "");
      console.error(`${new Date().toISOString()}\t${id}\tERROR\tInvoke Error \t${JSON.stringify(said)}`);
      const type = { "Lambda-Runtime-Function-Error-Type": said.errorType };
      answer = await tell(`/invocation/${id}/error`, JSON.stringify(said), type);
    }
    if (answer.status >= 500) process.exit(1);
  }
}

for (const [name, level] of [["log", "INFO"], ["info", "INFO"], ["warn", "WARN"], ["debug", "DEBUG"]]) {
  const plain = console[name].bind(console);
  console[name] = (...words) => plain(`${new Date().toISOString()}\t${level}\t${require("util").format(...words)}`);
}

main();
