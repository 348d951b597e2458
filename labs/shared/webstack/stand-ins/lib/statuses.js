// The search's results. Those of the n-th request are generated from the seed, n and the word alone, so they can be generated
// again for comparison. Ids fit into a JavaScript number, since they are keys in the store.
import { randomOf } from "./random.js";

const MOST = 15; // statuses in one answer
const FIRST_REQUEST = 60_000_000_000_000; // added to a request's number, so that all ids have the same number of digits
const FIRST_TIME = 1_500_000_000_000; // milliseconds: the time in the first status
const USERS = ["ada", "bo", "chen", "dana", "emil", "femi", "gita", "hugo", "ines", "jun"];
const BEFORE_WORD = ["Who else likes", "Today I learned of", "No day without", "They are right about", "Still thinking of"];
const AFTER_WORD = ["in the morning", "and nothing else", "at the harbour", "with good friends", "as ever", "after the rain"];

/** The statuses with which the n-th request, counted from 1, is answered: 1 to 15 that contain the word. */
export function statuses(seed, n, word) {
  const random = randomOf(`${seed}/search/${n}`);
  const pick = (list) => list[random(list.length)];
  return Array.from({ length: 1 + random(MOST) }, (_, index) => {
    const id = (FIRST_REQUEST + n) * (MOST + 1) + index;
    const name = pick(USERS);
    return {
      created_at: new Date(FIRST_TIME + n * 1000 + index).toUTCString(),
      id,
      id_str: String(id),
      text: `${pick(BEFORE_WORD)} ${word} ${pick(AFTER_WORD)}`,
      lang: "en",
      user: { id_str: String(1 + random(1_000_000)), name, screen_name: name },
    };
  });
}
