// Signs requests by OAuth 1.0a with HMAC-SHA1 (RFC 5849), as far as a GET without a body needs it.
import { createHmac, randomBytes } from "node:crypto";

const escaped = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The value of the Authorization header that signs a request with the four values of an account. */
export function authorization(method, url, account, { nonce = randomBytes(12).toString("hex"), now = Date.now() } = {}) {
  const fields = {
    oauth_consumer_key: account.consumer_key,
    oauth_nonce: nonce,
    oauth_signature_method: "HMAC-SHA1",
    oauth_timestamp: String(Math.floor(now / 1000)),
    oauth_token: account.access_token_key,
    oauth_version: "1.0",
  };
  const signed = { ...fields, oauth_signature: signature(method, url, fields, account) };
  return `OAuth ${Object.entries(signed).map(([name, value]) => `${name}="${escaped(value)}"`).join(", ")}`;
}

/** The signature of a request with these `fields` of its header, by the two secrets of an account. */
export function signature(method, url, fields, { consumer_secret, access_token_secret }) {
  const { protocol, host, pathname, searchParams } = new URL(url);
  const pairs = [...searchParams, ...Object.entries(fields)].map(([name, value]) => [escaped(name), escaped(value)]);
  pairs.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
  const parameters = pairs.map((pair) => pair.join("=")).join("&");
  const base = [method, `${protocol}//${host}${pathname}`, parameters].map(escaped).join("&");
  return createHmac("sha1", `${escaped(consumer_secret)}&${escaped(access_token_secret)}`).update(base).digest("base64");
}
