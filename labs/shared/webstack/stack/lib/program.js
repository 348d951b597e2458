// What all programs share: logging, exiting, and reading a time from a setting.

/** Prints one line. systemd's journal adds the time and the unit. */
export function log(text) {
  console.log(text);
}

/** Logs a text unless it is the same as the last one. */
export class ChangeLog {
  #lastText = "";

  log(text) {
    if (text !== this.#lastText) log(text);
    this.#lastText = text;
  }

  /** The next text is always logged. */
  reset() {
    this.#lastText = "";
  }
}

const EXIT_LIMIT = 5000; // milliseconds for all acts before an exit: `docker stop` kills a container after ten seconds
const actsBeforeExit = [];
let isExiting = false;

/**
 * Carries out `act` before the program exits, for whatever reason but SIGKILL: to release a lock, or to finish a write.
 * @param {(code: number) => Promise<unknown>} act
 */
export function beforeExit(act) {
  actsBeforeExit.push(act);
}

/**
 * Exits once the acts of beforeExit have ended, or after EXIT_LIMIT. Without any act the program ends at once; otherwise
 * the returned promise never settles, so a caller that awaits it goes no further.
 * @param {number} code
 * @returns {Promise<never>}
 */
export function exit(code) {
  if (!actsBeforeExit.length) process.exit(code);
  if (!isExiting) {
    isExiting = true;
    const acts = actsBeforeExit.map((act) => Promise.resolve().then(() => act(code)).catch((error) => log(error.message)));
    setTimeout(() => process.exit(code), EXIT_LIMIT);
    Promise.all(acts).then(() => process.exit(code));
  }
  return new Promise(() => {});
}

/**
 * Logs the reason why the program cannot go on, and exits. systemd starts it again.
 * @param {string} text
 * @returns {Promise<never>} see exit()
 */
export function fail(text) {
  log(text);
  return exit(1);
}

/**
 * Exits on SIGTERM and SIGINT, and on unhandled errors. The kernel ignores these signals for a container's first
 * process unless it has handlers for them: without handlers, every `docker stop` would take ten seconds.
 */
export function exitOnSignals() {
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => exit(0));
  for (const event of ["unhandledRejection", "uncaughtException"]) {
    process.on(event, (error) => fail(`${error.message}${error.cause ? `: ${error.cause.message}` : ""}`));
  }
}

/** The seconds in a time such as 900s, 15m or 900. Exits when the text is no time; `name` is the setting to blame. */
export function seconds(text, name) {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  if (!match || !(Number(match[1]) > 0)) fail(`${name}=${text}: not a time such as 900s or 15m`);
  return Math.ceil(Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] ?? "s"]);
}
