// Redis Cluster's hash slots: a key belongs to the slot of the part of its name in braces, its hash tag. Each shard of the
// store is an equal part of all slots.
export const SLOTS = 16384;

/** The first and the last slot of shard 0, 1, ... of `shards`. */
export function slotsOfShard(shard, shards) {
  return [Math.ceil((shard * SLOTS) / shards), Math.ceil(((shard + 1) * SLOTS) / shards) - 1];
}

/** The slot of a hash tag: its CRC16 (XMODEM) modulo the number of slots, as the Redis Cluster specification says. */
export function slotOf(tag) {
  let crc = 0;
  for (const byte of Buffer.from(String(tag))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc % SLOTS;
}

/** For each shard, the first of the hash tags 0, 1, ... below `tags` that belongs to it. */
export function tagOfEachShard(shards, tags) {
  const all = Array.from({ length: tags }, (_, tag) => tag);
  return Array.from({ length: shards }, (_, shard) => {
    const [first, last] = slotsOfShard(shard, shards);
    return all.find((tag) => first <= slotOf(tag) && slotOf(tag) <= last);
  });
}
