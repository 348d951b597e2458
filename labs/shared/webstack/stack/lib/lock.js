// A lock in etcd: a key with a TTL whose value names the program that holds it. Conductor, search and feed exist once only,
// even when a machine that was frozen or isolated returns with an old one of them.
import { beforeExit, fail, log } from "./program.js";
import { pause, repeat } from "./wait.js";

const TTL = 8; // seconds
const RENEW_INTERVAL = 2000; // milliseconds
const RETRY = 500; // milliseconds until a lock that another program has is tried again
// Milliseconds before the lock expires at which its holder stops acting: what was begun before then, such as a command with
// a time limit of three seconds, ends before another program can take the lock.
const MARGIN = 3000;

export class Lock {
  #actsUntil = -Infinity; // by performance.now()
  #isReleased = false;

  /**
   * @param {import("./etcd.js").Etcd} etcd
   * @param {string} key
   * @param {string} holder names this program: the value of the key
   * @param {{ ttl?: number, margin?: number, renewInterval?: number }} times ttl in seconds, the others in milliseconds
   */
  constructor(etcd, key, holder, { ttl = TTL, margin = MARGIN, renewInterval = RENEW_INTERVAL } = {}) {
    Object.assign(this, { etcd, key, holder, ttl, margin, renewInterval });
  }

  /** Whether this program may act: it holds the lock, and will for `margin` milliseconds more. */
  get isHeld() {
    return performance.now() < this.#actsUntil;
  }

  /** Throws unless this program may act. */
  require() {
    if (!this.isHeld) throw new Error(`the lock ${this.key} is not renewed: not acting`);
  }

  /**
   * Waits until no other program has the lock, takes it, and renews it for as long as this process runs. Without an answer
   * from etcd the program stops acting, and goes on when etcd answers. It exits when another program has taken the lock.
   */
  async hold() {
    let isWaiting = false;
    while (!(await this.#takeOrRenew())) {
      if (!isWaiting) log(`${this.key}: another program has the lock: ${await this.etcd.get(this.key)}`);
      isWaiting = true;
      await pause(RETRY);
    }
    beforeExit(() => this.release());
    repeat(this.renewInterval, async () => {
      if (this.#isReleased) return false;
      try {
        if (await this.#takeOrRenew()) return true;
      } catch (error) {
        log(`${this.key}: the lock cannot be renewed: ${error.message}`);
        return true;
      }
      this.#actsUntil = -Infinity;
      await fail(`${this.key}: another program has taken the lock`);
    });
  }

  /** Gives the lock up, so that another program need not wait until it expires. */
  async release() {
    this.#isReleased = true;
    this.#actsUntil = -Infinity;
    await this.etcd.remove(this.key, this.holder);
  }

  /** Whether this program has the lock now. A lock that has expired in the meantime is taken again. */
  async #takeOrRenew() {
    const sentAt = performance.now(); // the lock cannot expire sooner than its TTL after this moment
    const isMine =
      (await this.etcd.set(this.key, this.holder, { ttl: this.ttl, instead: this.holder })) ||
      (await this.etcd.set(this.key, this.holder, { ttl: this.ttl, create: true }));
    if (isMine && !this.#isReleased) this.#actsUntil = sentAt + this.ttl * 1000 - this.margin;
    return isMine;
  }
}
