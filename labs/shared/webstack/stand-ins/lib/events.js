// The feed's events. The n-th event is generated from the seed and n alone, so it can be generated again for comparison.
import { randomOf } from "./random.js";

const TOPICS = ["Chess", "Running", "Photography", "Board games", "Hiking", "Python", "Salsa", "Book club", "Sailing"];
const OCCASIONS = ["for beginners", "in the park", "and coffee", "on Sunday", "after work", "by the river", "night"];
const MEMBERS = ["Ada", "Bo", "Chen", "Dana", "Emil", "Femi", "Gita", "Hugo", "Ines", "Jun", "Kim", "Lars"];
const VENUES = ["Town hall", "Old mill", "Library", "Harbour", "Market place", "Observatory"];
const CITIES = ["Bonn", "Lyon"];
const FIRST_TIME = 1_500_000_000_000; // milliseconds: the time in the first event

/** The n-th event, counted from 1, as the text that the feed sends. */
export function eventText(seed, n) {
  const random = randomOf(`${seed}/${n}`);
  const pick = (list) => list[random(list.length)];
  const topic = pick(TOPICS);
  const event = String(100_000_000 + random(900_000_000));
  const mtime = FIRST_TIME + n * 250;
  const group = { group_id: 1000 + random(9000), group_name: `${topic} friends`, group_city: pick(CITIES) };
  return JSON.stringify({
    venue: { venue_id: 1 + random(5000), venue_name: pick(VENUES), lat: random(180) - 90, lon: random(360) - 180 },
    visibility: "public",
    response: random(4) ? "yes" : "no",
    guests: random(3),
    member: { member_id: 1 + random(1_000_000), member_name: pick(MEMBERS) },
    rsvp_id: n,
    mtime,
    event: {
      event_id: event,
      event_name: `${topic} ${pick(OCCASIONS)}`,
      event_url: `http://feed.example/events/${event}/`,
      time: mtime + 3_600_000 * (1 + random(500)),
    },
    group,
  });
}
