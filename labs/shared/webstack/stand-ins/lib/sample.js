// A part of a long list that stands for the whole: what is compared must not grow for ever.

/**
 * At most `limit` items of a list, in order: the newest half of them from its end, the others spread evenly over the rest
 * from a random start, so that repeated samples see every item some day.
 * @template T
 * @param {T[]} list
 * @param {number} limit
 * @param {() => number} random a number from 0 up to 1
 * @returns {T[]}
 */
export function sample(list, limit, random = Math.random) {
  if (!(limit > 0)) return [];
  if (list.length <= limit) return list;
  const newest = list.slice(-Math.ceil(limit / 2));
  const older = list.slice(0, -newest.length);
  const count = limit - newest.length;
  const stride = older.length / count;
  const start = random() * stride;
  return [...Array.from({ length: count }, (_, index) => older[Math.floor(start + index * stride)]), ...newest];
}
