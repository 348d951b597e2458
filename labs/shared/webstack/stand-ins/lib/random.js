// Random numbers that can be generated again.
import { createHash } from "node:crypto";

/** A function that returns whole numbers below its argument: always the same sequence for the same name. */
export function randomOf(name) {
  let bytes = createHash("sha256").update(name).digest();
  let offset = 0;
  return (below) => {
    if (offset + 4 > bytes.length) [bytes, offset] = [createHash("sha256").update(bytes).digest(), 0];
    offset += 4;
    return bytes.readUInt32BE(offset - 4) % below;
  };
}
