// Statuses, as the search returns them, in the store.

/** The key and the value under which a status is stored. */
export function keyAndValue(status) {
  return [Number(status.id_str), JSON.stringify({ event_name: status.text })];
}
