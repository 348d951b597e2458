// What the search answers when it does not answer with statuses.

const RATE_LIMIT_EXCEEDED = 88; // the code for an account that has used up its requests

/**
 * Reads an answer whose status is not 200.
 * @param {number} status
 * @param {string} text the body, which is JSON only when the search itself has made it
 * @returns {{ isLimit: boolean, reason: string }} isLimit: the account must wait for its next window
 */
export function readRefusal(status, text) {
  try {
    const { code, message } = JSON.parse(text).errors[0];
    return { isLimit: code === RATE_LIMIT_EXCEEDED, reason: `${code} ${message}` };
  } catch {
    return { isLimit: false, reason: `HTTP ${status}: ${text.trim().slice(0, 80)}` };
  }
}
