// A rate limit: `limit` requests in each window of `length` milliseconds. A window begins with its first request.

/** The account's window after one more request at `now`, and whether that request is `refused`. */
export function countRequest(before, { now, limit, length }) {
  const isOpen = before && now < before.began + length;
  const window = isOpen ? { ...before } : { began: now, served: 0, refused: 0, most: before?.most ?? 0 };
  const refused = window.served >= limit;
  if (refused) window.refused += 1;
  else window.served += 1;
  window.most = Math.max(window.most, window.refused); // requests that were refused in any one window
  return { window, refused };
}
