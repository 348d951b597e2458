// Waiting: for a time, for a condition, or for a change that comes to rest; and repeating something at intervals.

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * The result of a promise. Rejects when it takes longer than `limit` milliseconds.
 * @template T
 * @param {number} limit
 * @param {Promise<T>} promise
 * @returns {Promise<T>}
 */
export function within(limit, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Checks `condition` every `interval` milliseconds. Returns whether it came true within `limit` milliseconds. */
export async function waitUntil(condition, { limit, interval }) {
  const end = Date.now() + limit;
  while (Date.now() < end) {
    if (await condition()) return true;
    await pause(interval);
  }
  return false;
}

/**
 * Carries out `act` now and then every `interval` milliseconds, never twice at the same time, until it returns false.
 * @param {number} interval
 * @param {() => unknown} act
 */
export async function repeat(interval, act) {
  for (;;) {
    const startedAt = Date.now();
    if ((await act()) === false) return;
    await pause(Math.max(0, startedAt + interval - Date.now()));
  }
}

/** Remembers that something has changed until a caller has waited for it. */
export class ChangeSignal {
  #changed = false;
  #wake = () => {};

  notify() {
    this.#changed = true;
    this.#wake();
  }

  /** Returns `quiet` milliseconds after the last change, or after `limit` milliseconds without any. */
  async settled({ quiet, limit }) {
    if (!this.#changed) await this.#changedWithin(limit);
    while (this.#changed) {
      this.#changed = false;
      await pause(quiet);
    }
  }

  #changedWithin(limit) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limit);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
