// Probes as they come: a strip for each, of the last two minutes.

import { fill, find, h, table } from "./dom.js";
import { clock, summary } from "./model.js";

const SHOWN = 120; // seconds
const KEPT = 600; // samples of a probe
const WIDTH = 600;
const HEIGHT = 46;
const SLOWEST = 1000; // milliseconds at the strip's upper edge; 1 at its lower one

const samples = new Map(); // by probe
const bands = new Map(); // faults by their ids: when they began and ended

export function reset() {
  samples.clear();
}

export function take(news) {
  for (const sample of news) {
    if (!samples.has(sample.probe)) samples.set(sample.probe, []);
    const own = samples.get(sample.probe);
    own.push(sample);
    if (own.length > KEPT) own.shift();
  }
}

/** Keeps when faults began and ended: the strips show them as bands. */
export function note(doc) {
  for (const [id, fault] of Object.entries(doc.faults || {})) if (!bands.has(id)) bands.set(id, { begin: fault.wall, end: null });
  for (const [id, band] of bands) {
    if (band.end === null && !(doc.faults || {})[id]) band.end = doc.seen;
    if (band.end !== null && doc.seen - band.end > SHOWN) bands.delete(id);
  }
}

const allowed = (doc, probe) => {
  for (const lab of Object.values(doc.labs || {})) if (lab.objectives && probe in lab.objectives) return lab.objectives[probe];
  return null;
};

function wanted(doc) {
  const labs = Object.keys(doc.labs || {});
  return [...samples.keys()].filter((probe) => labs.includes(probe.split("/")[0])).sort();
}

export function draw(doc, now) {
  const probes = wanted(doc);
  find("probes").hidden = !probes.length;
  fill(find("strips"), probes.map((probe) => strip(doc, probe, now)));
}

function strip(doc, probe, now) {
  const own = samples.get(probe).filter((sample) => sample.wall > now - SHOWN - 1);
  const { last, since, longest } = summary(own);
  const limit = allowed(doc, probe);
  const word = !last ? "no sample yet" : since === null ? `answers · ${last.ms} ms` : `down for ${Math.max(0, now - since).toFixed(1)} s`;
  const about = [
    longest ? `longest outage ${longest.toFixed(1)} s` : "no outage",
    limit === null ? null : `${limit} s allowed`,
  ].filter(Boolean).join(" · ");
  return h(
    "div",
    { class: `strip ${since === null ? "" : "down"}`, "data-key": probe },
    h("p", {}, h("b", {}, probe), h("span", { class: "now" }, word), h("small", {}, about)),
    picture(own, now, `${probe}: ${word}; ${about} in the last two minutes`),
  );
}

const place = (wall, now) => ((wall - now + SHOWN) / SHOWN) * WIDTH;
const height = (ms) => HEIGHT - 3 - (Math.log10(Math.min(Math.max(ms, 1), SLOWEST)) / 3) * (HEIGHT - 8);

function picture(own, now, label) {
  let good = "";
  let bad = "";
  own.forEach((sample, at) => {
    const x = place(sample.wall, now);
    if (sample.ok) good += `M${x.toFixed(1)} ${HEIGHT}V${height(sample.ms).toFixed(1)}`;
    else bad += `M${x.toFixed(1)} 0H${Math.min(WIDTH, at + 1 < own.length ? place(own[at + 1].wall, now) : x + 3).toFixed(1)}V${HEIGHT}H${x.toFixed(1)}Z`;
  });
  const rects = [...bands.values()].map(({ begin, end }) => {
    const from = Math.max(0, place(begin, now));
    return h("rect", { class: "band", x: from.toFixed(1), y: "0", width: Math.max(0, place(end ?? now, now) - from).toFixed(1), height: String(HEIGHT) });
  });
  return h(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    rects,
    [10, 100].map((ms) => h("line", { class: "grid", x1: "0", x2: String(WIDTH), y1: height(ms).toFixed(1), y2: height(ms).toFixed(1) })),
    h("path", { class: "good", d: good || "M0 0" }),
    h("path", { class: "bad", d: bad || "M0 0" }),
  );
}

export function drawTable(doc, now) {
  const rows = wanted(doc).map((probe) => {
    const own = samples.get(probe).filter((sample) => sample.wall > now - SHOWN);
    const { last, since, longest } = summary(own);
    const limit = allowed(doc, probe);
    return [
      probe,
      since === null ? "answers" : `down since ${clock(since)}`,
      last ? last.detail || "–" : "–",
      last && last.ok ? `${last.ms} ms` : "–",
      `${own.filter((sample) => !sample.ok).length} of ${own.length}`,
      `${longest.toFixed(1)} s`,
      limit === null ? "–" : `${limit} s`,
    ];
  });
  const heads = ["Probe", "Now", "Last answer from, or why there was none", "Took", "Without a good answer", "Longest outage", "Allowed"];
  return table("The probes of the last two minutes.", heads, rows);
}
