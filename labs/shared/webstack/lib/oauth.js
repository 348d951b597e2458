// OAuth 1.0a with HMAC-SHA1 (RFC 5849), as far as a signed GET without a body needs it.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

const escaped = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

/** The header that signs a request with the four values of an account. */
export function authorization(method, url, account, { nonce = randomBytes(12).toString("hex"), now = Date.now() } = {}) {
  const fields = {
    oauth_consumer_key: account.consumer_key,
    oauth_nonce: nonce,
    oauth_signature_method: "HMAC-SHA1",
    oauth_timestamp: String(Math.floor(now / 1000)),
    oauth_token: account.access_token_key,
    oauth_version: "1.0",
  };
  const all = { ...fields, oauth_signature: signature(method, url, fields, account) };
  return `OAuth ${Object.entries(all).map(([name, value]) => `${name}="${escaped(value)}"`).join(", ")}`;
}

function signature(method, url, fields, { consumer_secret, access_token_secret }) {
  const asked = new URL(url);
  const pairs = [...asked.searchParams, ...Object.entries(fields)].map(([name, value]) => [escaped(name), escaped(value)]);
  pairs.sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1));
  const place = `${asked.protocol}//${asked.host}${asked.pathname}`;
  const base = [method, place, pairs.map((pair) => pair.join("=")).join("&")].map(escaped).join("&");
  return createHmac("sha1", `${escaped(consumer_secret)}&${escaped(access_token_secret)}`).update(base).digest("base64");
}

/** The consumer's key of a request that is signed as its account would, else undefined. */
export function signedBy(method, url, header = "", accountOf) {
  if (!header.startsWith("OAuth ")) return undefined;
  const pairs = [...header.matchAll(/(oauth_\w+)="([^"]*)"/g)];
  const { oauth_signature: told = "", ...fields } = Object.fromEntries(
    pairs.map(([, name, value]) => [name, decodeURIComponent(value)]),
  );
  const account = accountOf(fields.oauth_consumer_key ?? "");
  if (fields.oauth_token !== account.access_token_key) return undefined;
  const wanted = Buffer.from(signature(method, url, fields, account));
  const found = Buffer.from(told);
  return wanted.length === found.length && timingSafeEqual(wanted, found) ? fields.oauth_consumer_key : undefined;
}

/** The four values of an account of the lab's own search: what is secret of it follows from its key and the seed. */
export function accountOf(seed, key) {
  const of = (what) => createHmac("sha256", seed).update(`${what} ${key}`).digest("hex").slice(0, 32);
  return {
    consumer_key: key,
    consumer_secret: of("consumer"),
    access_token_key: of("token"),
    access_token_secret: of("token secret"),
  };
}
