// The search's accounts, and whether a request is signed by one of them.
import { createHmac, timingSafeEqual } from "node:crypto";
import { signature } from "../../stack/lib/oauth.js";

/** The four values of an account. Its secrets are generated from its key and the seed. */
export function accountOf(seed, key) {
  const valueOf = (name) => createHmac("sha256", seed).update(`${name} ${key}`).digest("hex").slice(0, 32);
  return {
    consumer_key: key,
    consumer_secret: valueOf("consumer"),
    access_token_key: valueOf("token"),
    access_token_secret: valueOf("token secret"),
  };
}

/**
 * The key of the account that has signed a request; undefined when the signature is missing or wrong. `header` is the
 * request's Authorization header, `accountOf` returns the account of a key.
 */
export function signedBy(method, url, header = "", accountOf) {
  if (!header.startsWith("OAuth ")) return undefined;
  const pairs = [...header.matchAll(/(oauth_\w+)="([^"]*)"/g)];
  const { oauth_signature: claimed = "", ...fields } = Object.fromEntries(
    pairs.map(([, name, value]) => [name, decodeURIComponent(value)]),
  );
  const account = accountOf(fields.oauth_consumer_key ?? "");
  if (fields.oauth_token !== account.access_token_key) return undefined;
  const expected = Buffer.from(signature(method, url, fields, account));
  const actual = Buffer.from(claimed);
  return expected.length === actual.length && timingSafeEqual(expected, actual) ? fields.oauth_consumer_key : undefined;
}
