// The feed's events: the n-th one follows from the seed and n alone, so that what was sent can be told again.
import { createHash } from "node:crypto";

const WHAT = ["Chess", "Running", "Photography", "Board games", "Hiking", "Python", "Salsa", "Book club", "Sailing"];
const HOW = ["for beginners", "in the park", "and coffee", "on Sunday", "after work", "by the river", "night"];
const WHO = ["Ada", "Bo", "Chen", "Dana", "Emil", "Femi", "Gita", "Hugo", "Ines", "Jun", "Kim", "Lars"];
const WHERE = ["Town hall", "Old mill", "Library", "Harbour", "Market place", "Observatory"];
const BEGAN = 1_500_000_000_000; // where the events' own clock starts, in milliseconds

/** The n-th event, from 1, as the text that is sent. */
export function eventText(seed, n) {
  const random = randomOf(`${seed}/${n}`);
  const pick = (list) => list[random(list.length)];
  const topic = pick(WHAT);
  const event = String(100_000_000 + random(900_000_000));
  const mtime = BEGAN + n * 250;
  const group = { group_id: 1000 + random(9000), group_name: `${topic} friends`, group_city: pick(["Bonn", "Lyon"]) };
  return JSON.stringify({
    venue: { venue_id: 1 + random(5000), venue_name: pick(WHERE), lat: random(180) - 90, lon: random(360) - 180 },
    visibility: "public",
    response: random(4) ? "yes" : "no",
    guests: random(3),
    member: { member_id: 1 + random(1_000_000), member_name: pick(WHO) },
    rsvp_id: n,
    mtime,
    event: {
      event_id: event,
      event_name: `${topic} ${pick(HOW)}`,
      event_url: `http://feed.example/events/${event}/`,
      time: mtime + 3_600_000 * (1 + random(500)),
    },
    group,
  });
}

/** A function that gives whole numbers below its argument, the same for the same name. */
export function randomOf(name) {
  let bytes = createHash("sha256").update(name).digest();
  let at = 0;
  return (below) => {
    if (at + 4 > bytes.length) [bytes, at] = [createHash("sha256").update(bytes).digest(), 0];
    at += 4;
    return bytes.readUInt32BE(at - 4) % below;
  };
}

/** A checksum of texts in their order. */
export function checksum(texts) {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(text).update("\n");
  return hash.digest("hex").slice(0, 16);
}
