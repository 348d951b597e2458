// How many requests an account may make: `limit` in each window of `length` milliseconds, which begins with a request.

/** The window after one more request at `now`, and whether that is refused. */
export function counted(before, { now, limit, length }) {
  const open = before && now < before.began + length;
  const window = open ? { ...before } : { began: now, served: 0, refused: 0, most: before?.most ?? 0 };
  const refused = window.served >= limit;
  if (refused) window.refused += 1;
  else window.served += 1;
  window.most = Math.max(window.most, window.refused);
  return { window, refused };
}
