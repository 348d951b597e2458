// The search's answers: those of the n-th request follow from the seed, its number and the word, so that what was served
// can be told again. Numbers fit into a JavaScript number, as the keys of the store must.
import { randomOf } from "./events.js";

const MOST = 15;
const FIRST = 60_000_000_000_000; // of the requests' numbers, so that every id has as many digits
const BEGAN = 1_500_000_000_000; // where the statuses' own clock starts, in milliseconds
const WHO = ["ada", "bo", "chen", "dana", "emil", "femi", "gita", "hugo", "ines", "jun"];
const BEFORE = ["Who else likes", "Today I learned of", "No day without", "They are right about", "Still thinking of"];
const AFTER = ["in the morning", "and nothing else", "at the harbour", "with good friends", "as ever", "after the rain"];

/** What the n-th request, from 1, is answered about a word: at most 15 statuses. */
export function statuses(seed, n, word) {
  const random = randomOf(`${seed}/search/${n}`);
  const pick = (list) => list[random(list.length)];
  return Array.from({ length: 1 + random(MOST) }, (_, index) => {
    const id = (FIRST + n) * (MOST + 1) + index;
    const name = pick(WHO);
    return {
      created_at: new Date(BEGAN + n * 1000 + index).toUTCString(),
      id,
      id_str: String(id),
      text: `${pick(BEFORE)} ${word} ${pick(AFTER)}`,
      lang: "en",
      user: { id_str: String(1 + random(1_000_000)), name, screen_name: name },
    };
  });
}

/** What a worker stores of a status: its key, and a text. */
export function stored(status) {
  return [Number(status.id_str), JSON.stringify({ event_name: status.text })];
}
