// What every program of the lab does: one line a message, and an end when it is told to.

/** Prints one line; the journal adds time and unit. */
export function log(text) {
  console.log(text);
}

/** Ends with a reason, which is how a program here says that it cannot go on; systemd starts it again. */
export function fail(text) {
  log(text);
  process.exit(1);
}

/** A container's first process gets no default handlers: without this, every stop would take ten seconds. */
export function endOnTerm() {
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error) => fail(`${error.message}${error.cause ? `: ${error.cause.message}` : ""}`));
  }
}

/** Seconds of a setting such as 900s, 15m or 900; who cannot read it ends. */
export function seconds(text, name) {
  const found = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  if (!found || !(Number(found[1]) > 0)) fail(`${name}=${text}: not a time such as 900s or 15m`);
  return Math.ceil(Number(found[1]) * { s: 1, m: 60, h: 3600 }[found[2] ?? "s"]);
}
