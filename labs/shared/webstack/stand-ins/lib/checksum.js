import { createHash } from "node:crypto";

/** A checksum of texts and of their order. */
export function checksum(texts) {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\n");
  return hash.digest("hex").slice(0, 16);
}
