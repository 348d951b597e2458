// The search that the workers ask: the stand-in, which is announced in etcd, or a service outside that has the same shape.
import { authorization } from "./oauth.js";
import { readRefusal } from "./search-errors.js";

const PATIENCE = 3000; // milliseconds for an answer
const PATH = "/1.1/search/tweets.json";
const FIELDS = ["consumer_key", "consumer_secret", "access_token_key", "access_token_secret"];

export const STAND_IN = "stand-in"; // the setting's value for the search that the lab brings

/**
 * The URL of the search.
 * @param {string} setting STAND_IN, or the URL of another search; its path may be left out
 * @param {string | undefined} announced the stand-in's address and port
 * @returns {string}
 */
export function searchUrl(setting, announced) {
  if (setting === STAND_IN) {
    if (!announced) throw new Error("no search is announced under /services/search");
    return `http://${announced}${PATH}`;
  }
  const url = parsed(setting);
  if (!url) throw new Error(`SEARCH=${setting}: neither ${STAND_IN} nor a URL such as https://api.example.org`);
  return url.pathname === "/" ? `${url.origin}${PATH}` : url.href;
}

function parsed(text) {
  try {
    const url = new URL(text);
    return ["http:", "https:"].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The account in a JSON text. Throws an error that names what is missing, and shows none of its values. */
export function readAccount(text) {
  let account;
  try {
    account = JSON.parse(text);
  } catch {
    throw new Error("not JSON"); // the parser's own message would quote the text
  }
  const missing = FIELDS.filter((name) => typeof account?.[name] !== "string" || !account[name]);
  if (missing.length) throw new Error(`without ${missing.join(", ")}`);
  return account;
}

/** Which account it is, as far as a journal may show that. */
export function nameOf(account) {
  return `${account.consumer_key.slice(0, 3)}...`;
}

/** A refusal by the search: `kind` is "limit" when the account's requests are used up, "account" when it is not accepted. */
export class RefusedError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

export class Search {
  /** @param {string} url see searchUrl() */
  constructor(url, account) {
    Object.assign(this, { url, account });
  }

  /**
   * Searches for a word. Throws a RefusedError when the search says no, another error when it gives no answer.
   * @returns {Promise<{ statuses: object[], request: string | null }>} request: the number that the stand-in gave it
   */
  async find(word) {
    const url = `${this.url}?q=${encodeURIComponent(word)}`;
    const headers = { authorization: authorization("GET", url, this.account) };
    const answer = await fetch(url, { headers, signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw this.#refusal(answer.status, await answer.text());
    return { statuses: (await answer.json()).statuses, request: answer.headers.get("x-lab-request") };
  }

  #refusal(status, text) {
    const { isLimit, reason } = readRefusal(status, text);
    if (isLimit) return new RefusedError("limit", `the search says ${reason}`);
    if (![401, 403].includes(status)) return new RefusedError("other", `the search says ${reason}`);
    const { host } = new URL(this.url);
    return new RefusedError("account", `the search at ${host} does not accept the account ${nameOf(this.account)}: ${reason}`);
  }

  /** Tells the stand-in that its whole answer is stored. Another search keeps no such record. */
  async acknowledge(request) {
    if (request === null) return;
    const url = new URL(`/stored?request=${request}`, this.url);
    const answer = await fetch(url, { method: "POST", signal: AbortSignal.timeout(PATIENCE) });
    await answer.text();
  }
}
